"""Lists of councils, cities, states and banks that write in English or with decimal commas."""

from orchestration.adoption.proposal import Answers
from tests.orchestration.adoption.corpus import GBP, Case, rows, text

WESTERN = (
    # --- councils of the United Kingdom -----------------------------------------------------------
    Case(
        "council with pound in the header",
        text(
            "Transaction Date,Merchant Name,Amount £,Directorate,Expense type",
            *rows("{day}/04/2025,{shop},{pence},Adults,Subsistence"),
        ),
        columns={
            "authorized_at": "Transaction Date",
            "merchant_name": "Merchant Name",
            "amount": "Amount £",
            "department_id": "Directorate",
            "category": "Expense type",
        },
        settings={"dates": "day/month/year", "thousands": ","},
        constants=GBP,
        quarantined=0,
        first=("2025-04-11", "Corner Bakery", "12.50"),
    ),
    Case(
        "council whose days are all below 13",
        text(
            "Date,Supplier,Amount (GBP),Service Area",
            *rows("{low}/02/2025,{shop},{pence},Parks"),
        ),
        asked=("dates",),
    ),
    Case(
        "the same, answered",
        text(
            "Date,Supplier,Amount (GBP),Service Area",
            *rows("{low}/02/2025,{shop},{pence},Parks"),
        ),
        answers=Answers(dates="day/month/year"),
        columns={"authorized_at": "Date", "merchant_name": "Supplier", "amount": "Amount (GBP)"},
        settings={"dates": "day/month/year"},
        constants=GBP,
        first=("2025-02-01", "Corner Bakery", "12.50"),
    ),
    Case(
        "council with a title, blank lines and a total",
        text(
            "Anytown Borough Council,,,,",
            "Procurement Card Transactions April 2025,,,,",
            ",,,,",
            "Date of Transaction,Beneficiary,Net Amount,VAT Amount,Cost Centre",
            *rows('{day}-Apr-25,{shop},"1,0{day}.20",2.00,Library'),
            'Total,,"6,081.20",12.00,',
        ),
        answers=Answers(currency="GBP"),
        columns={
            "authorized_at": "Date of Transaction",
            "merchant_name": "Beneficiary",
            "amount": "Net Amount",
            "tax_amount": "VAT Amount",
        },
        settings={
            "dates": "%d-%b-%y",
            "header_line": 4,
            "totals": ("Total",),
            "thousands": ",",
        },
        constants=GBP,
        first=("2025-04-11", "Corner Bakery", "1011.20"),
    ),
    Case(
        "council in Windows' encoding with a pound sign in the values",
        text(
            "Payment Date,Payee,Value,Purpose of Spend,Directorate",
            *rows("{day}/01/2025,Café {shop},£{pence},Meals,Schools"),
            encoding="cp1252",
        ),
        columns={
            "authorized_at": "Payment Date",
            "merchant_name": "Payee",
            "amount": "Value",
            "category": "Purpose of Spend",
        },
        settings={"encoding": "cp1252", "dates": "day/month/year"},
        constants=GBP,
    ),
    Case(
        "council with gross, net and transaction number",
        text(
            "Transaction Number,Trans Date,Merchant,Net,VAT,Gross,Category Description",
            *rows("PC{n:05},{day}/03/2025 00:00,{shop},1.00,0.20,{pence},Office"),
        ),
        answers=Answers(currency="GBP"),
        columns={
            "transaction_id": "Transaction Number",
            "authorized_at": "Trans Date",
            "amount": "Gross",
        },
        key=("transaction_id",),
        holds="always",
        settings={"dates": "day/month/year"},
    ),
    # --- states and cities of the United States ---------------------------------------------------
    Case(
        "state with semicolons and no card",
        text(
            "Post Date;Cardholder;Vendor;MCC Description;Amount",
            *rows("04/{day}/2025;Holder {n};{shop};EATING PLACES;${pence}"),
        ),
        answers=Answers(currency="USD"),
        columns={
            "authorized_at": "Post Date",
            "employee_id": "Cardholder",
            "merchant_name": "Vendor",
            "category": "MCC Description",
            "amount": "Amount",
        },
        settings={"delimiter": ";", "dates": "month/day/year"},
    ),
    Case(
        "a dollar sign may be several currencies",
        text(
            "Post Date,Cardholder,Vendor,MCC,Amount",
            *rows("04/{day}/2025,Holder {n},{shop},5812,${pence}"),
        ),
        asked=("currency",),
    ),
    Case(
        "state with times of midnight and names in two columns",
        text(
            "Year-Month,Agency Name,Cardholder Last Name,Cardholder First Initial,Description,"
            "Amount,Vendor,Transaction Date,Posted Date,Merchant Category Code (MCC)",
            *rows(
                "202504,PARKS,Lee{n},J,GENERAL PURCHASE,{pence},{shop},04/{day}/2025 12:00:00 AM,"
                "04/{day}/2025 12:00:00 AM,BOOK STORES"
            ),
        ),
        answers=Answers(currency="USD"),
        columns={
            "authorized_at": "Transaction Date",
            "posted_at": "Posted Date",
            "employee_id": "Cardholder Last Name",
            "holder_first_name": "Cardholder First Initial",
            "merchant_name": "Vendor",
            "department_id": "Agency Name",
        },
        settings={"dates": "month/day/year"},
    ),
    Case(
        "bank's list with tabs, MCC, masked card and authorization",
        text(
            "Account Number\tTran Date\tPost Date\tMerchant Name\tMCC\tTransaction Amount\t"
            "Currency\tAuth Code",
            *rows(
                "XXXX-XXXX-XXXX-{card}\t04/{day}/2025\t04/{day}/2025\t{shop}\t5812\t{pence}\tUSD\t"
                "A{n:05}"
            ),
        ),
        columns={
            "card_id": "Account Number",
            "authorized_at": "Tran Date",
            "posted_at": "Post Date",
            "mcc": "MCC",
            "currency": "Currency",
            "approval_no": "Auth Code",
            "amount": "Transaction Amount",
        },
        settings={"delimiter": "\t", "dates": "month/day/year"},
        key=("approval_no",),
        holds="always",
        suffix=".txt",
    ),
    Case(
        "purchases in brackets",
        text(
            "Date,Payee,Amount,Currency",
            *rows("2025-04-{day},{shop},({pence}),USD"),
        ),
        columns={"amount": "Amount", "currency": "Currency"},
        settings={"sign": "purchases_negative"},
        first=("2025-04-11", "Corner Bakery", "12.50"),
    ),
    Case(
        "half of the amounts are negative",
        text(
            "Date,Payee,Amount,Currency",
            *rows("2025-04-{day},{shop},{pence},USD", 3),
            *rows("2025-04-{day},{shop},-{pence},USD", 3),
        ),
        asked=("sign",),
    ),
    Case(
        "debit and credit in two columns",
        text(
            "Transaction Date,Description,Debit,Credit,Balance,Currency",
            *rows("{day}/04/2025,{shop},{pence},,100.00,AUD", 5),
            "20/04/2025,Corner Bakery,,3.00,103.00,AUD",
        ),
        columns={
            "debit_amount": "Debit",
            "credit_amount": "Credit",
            "merchant_name": "Description",
        },
        settings={"dates": "day/month/year"},
    ),
    Case(
        "a mark says debit or credit",
        text(
            "Transaction Date,Merchant,Amount,DR/CR,Currency",
            *rows("{day}/04/2025,{shop},{pence},DR,AUD", 5),
            "20/04/2025,Corner Bakery,3.00,CR,AUD",
        ),
        columns={"amount": "Amount", "debit_or_credit": "DR/CR"},
    ),
    # --- Australia, Germany -----------------------------------------------------------------------
    Case(
        "department of Australia",
        text(
            "Cardholder Name,Transaction Date,Supplier Name,Amount (AUD),GST,Cost Centre Name",
            *rows("Holder {n},{day} April 2025,{shop},{pence},1.00,Policy"),
        ),
        columns={
            "employee_id": "Cardholder Name",
            "amount": "Amount (AUD)",
            "department_id": "Cost Centre Name",
        },
        settings={"dates": None},
        constants={"currency": "AUD"},
    ),
    Case(
        "decimal comma",
        text(
            "Date;Merchant;Amount EUR",
            *rows("{day}.04.2025;{shop};1.0{day},50"),
        ),
        columns={"amount": "Amount EUR"},
        settings={"decimal": ",", "thousands": ".", "dates": "day/month/year", "delimiter": ";"},
        constants={"currency": "EUR"},
        first=("2025-04-11", "Corner Bakery", "1011.50"),
    ),
    Case(
        "whole numbers with commas in dollars",
        text("Date,Merchant,Amount,Currency", *rows('2025-04-{day},{shop},"1,0{day}",USD')),
        asked=("decimal",),
    ),
    Case(
        "headers that no word list knows, values that leave no doubt",
        text("Wann;Wo;Wieviel", *rows("2025-04-{day};{shop};{pence}")),
        answers=Answers(currency="EUR"),
        columns={"authorized_at": "Wann", "merchant_name": "Wo", "amount": "Wieviel"},
    ),
    Case(
        "headers that no word list knows, and two columns of names",
        text("Wann;Wo;Wer;Wieviel", *rows("2025-04-{day};{shop};Holder {n};{pence}")),
        asked=("column",),
        answers=Answers(currency="EUR"),
    ),
)
