"""The states of cases, step by step as the seed says, beside the model that folds events."""

from collections.abc import Iterable, Mapping


def replayed(
    events: Iterable[tuple[str, str, str | None]], transitions: Mapping[tuple[str, str], str]
) -> dict[str, str]:
    """Case -> state after its events, in order: case, event and the purchase of a finding.

    KeyError for an event that the seed does not allow in the state of its case.
    """
    states: dict[str, str] = {}
    for case_id, event, transaction_id in events:
        following = transitions[states.get(case_id, "new"), event]
        if transaction_id is None:
            states[case_id] = following
    return states
