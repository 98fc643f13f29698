"""Every feature of one transaction, computed once more the plain and slow way.

What a feature means is taken from its text (`feat_transaction.yml`, `_features__docs.md`), from
the vars of the project and from the seeds, and is computed from the rows as they landed. For one
transaction the rows of its card, merchant, employee and so on are selected and looked at. Nothing
here is shared with the models.
"""

from tests.models.brute_force.moment import OfTheMoment
from tests.models.brute_force.numbers import Values
from tests.models.brute_force.pairs import OfPairs
from tests.models.brute_force.subjects import OfSubjects


class BruteForce(OfTheMoment, OfSubjects, OfPairs):
    """The features of one transaction at a time."""

    def features(self, transaction_id: str) -> Values:
        """Every feature of the transaction."""
        transaction = self.transactions.loc[transaction_id]
        return {
            **self.of_amount(transaction),
            **self.of_time(transaction),
            **self.of_register(transaction),
            **self.of_place(transaction),
            **self.of_meetings(transaction),
            **self.of_card(transaction),
            **self.of_merchant(transaction),
            **self.of_employee(transaction),
            **self.of_department(transaction),
            **self.of_peers(transaction),
            **self.of_category(transaction),
            **self.of_card_and_merchant(transaction),
            **self.of_employee_and_merchant(transaction),
            **self.of_approver(transaction),
            **self.of_decisions(transaction),
            **self.of_misuse_run(transaction),
            **self.of_habits(transaction),
        }
