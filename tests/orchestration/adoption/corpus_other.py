"""Lists of Korean issuers, files of other kinds, and what is no list of purchases."""

from tests.orchestration.adoption.corpus import (
    KRW,
    MERCHANT_KO,
    SHOPS,
    Case,
    html,
    parquet,
    rows,
    sheets,
    text,
)

OTHER = (
    # --- issuers of Korea -------------------------------------------------------------------------
    Case(
        "Korean list with the currency in the header",
        text(
            "승인일자,가맹점명,승인금액(원),승인번호,카드번호",
            *rows('2025.04.{day},{shop_ko},"{won_grouped}",3000{n},****-****-****-{card}'),
            encoding="cp949",
        ),
        columns={
            "authorized_at": "승인일자",
            "merchant_name": "가맹점명",
            "amount": "승인금액(원)",
            "approval_no": "승인번호",
            "card_id": "카드번호",
        },
        settings={"encoding": "cp949", "dates": None, "thousands": ","},
        constants={"currency": "KRW"},
        key=("approval_no",),
        holds="always",
        first=("2025-04-11", "가나식당", "12300"),
    ),
    Case(
        "Korean list with preamble and sums",
        text(
            "법인카드 이용내역,,,,",
            "조회기간,2025.04.01 ~ 2025.04.30,,,",
            ",,,,",
            "이용일자,이용가맹점,업종,이용금액,카드번호",
            *rows('2025-04-{day},{shop_ko},한식,"{won_grouped}",1234-****-****-{card}'),
            '합계,,,"135,300",',
            encoding="utf-8-sig",
        ),
        answers=KRW,
        columns={"merchant_name": "이용가맹점", "category": "업종", "amount": "이용금액"},
        settings={"header_line": 4, "totals": ("합계",)},
    ),
    Case(
        "Korean list without a currency",
        text(
            "거래일자,이용가맹점,거래금액",
            *rows("202504{day},{shop_ko},{won}"),
        ),
        asked=("currency",),
    ),
    Case(
        "Korean list with day and time apart, and cancellations",
        text(
            "승인일자\t승인시간\t가맹점명\t가맹점 사업자번호\t업종\t승인금액\t승인구분\t통화",
            *rows(
                "2025{low}{day}\t18:0{n}:30\t{shop_ko}\t123-45-6789{n}\t한식\t{won}\t승인\tKRW", 5
            ),
            "20250620\t181030\t가나식당\t123-45-67890\t한식\t-4100\t취소\tKRW",
            encoding="cp949",
        ),
        columns={
            "authorized_time": "승인시간",
            "merchant_registration_no": "가맹점 사업자번호",
            "status": "승인구분",
        },
        key=("authorized_at", "authorized_time", "amount"),
        holds="always",
        has_time=True,
    ),
    Case(
        "Korean list with two-digit years",
        text(
            "이용일,이용하신곳,국내이용금액(원)",
            *rows("25.04.{day},{shop_ko},{won}", 21),
        ),
        columns={"merchant_name": "이용하신곳", "amount": "국내이용금액(원)"},
        settings={"dates": "year/month/day"},
        constants={"currency": "KRW"},
        rows=21,
        quarantined=1,  # the 31st of April
    ),
    Case(
        "Korean statement with a header over two lines",
        text(
            "이용일자,카드,가맹점,이용금액,",
            ",,,원화(원),현지금액",
            *rows("2025-04-{day},개인 {card},{shop_ko},{won},"),
        ),
        columns={"authorized_at": "이용일자", "amount": "이용금액 원화(원)"},
        settings={"header_lines": 2},
        constants={"currency": "KRW"},
    ),
    Case(
        "HTML table named xls",
        html(
            ("이용일자", "가맹점명", "이용금액(원)", "승인번호"),
            *(tuple(line.split("|")) for line in rows("2025-04-{day}|{shop_ko}|{won}|77{n}")),
        ),
        columns=MERCHANT_KO,
        constants={"currency": "KRW"},
        key=("approval_no",),
        holds="always",
        suffix=".xls",
    ),
    Case(
        "Parquet with types",
        parquet(
            {
                "Txn ID": [f"T{n}" for n in range(6)],
                "Purchase Date": [f"2025-04-{n + 11}" for n in range(6)],
                "Merchant": list(SHOPS),
                "Amount": [12.5 + n for n in range(6)],
                "Currency": ["EUR"] * 6,
            }
        ),
        columns={"transaction_id": "Txn ID", "merchant_name": "Merchant"},
        key=("transaction_id",),
        holds="always",
        suffix=".parquet",
    ),
    Case(
        "JSON lines",
        text(
            *rows(
                '{{"reference": "R{n}", "timestamp": "2025-04-{day}T18:05:00",'
                ' "merchant": "{shop}", "amount": {pence}, "currency": "GBP",'
                ' "card": "tok_{card}"}}'
            )
        ),
        columns={"authorized_at": "timestamp", "card_id": "card"},
        key=("transaction_id",),
        holds="always",
        has_time=True,
        suffix=".jsonl",
    ),
    Case(
        "UTF-16 with tabs, as spreadsheets save a text",
        text(
            "Transaction Date\tMerchant\tAmount\tCurrency",
            *rows("2025-04-{day}\t{shop}\t{pence}\tGBP"),
            encoding="utf-16",
        ),
        columns={"merchant_name": "Merchant"},
        settings={"delimiter": "\t"},
        suffix=".txt",
    ),
    Case(
        "times in local order with a clock",
        text(
            "Transaction ID,Authorized At,Card Token,Merchant ID,Merchant Name,MCC,Amount,Currency",
            *rows("T{n},2025-04-{day} 18:0{n}:00,tok_{card},M{n},{shop},5812,{pence},GBP"),
        ),
        columns={"merchant_id": "Merchant ID", "card_id": "Card Token"},
        key=("transaction_id",),
        holds="always",
        has_time=True,
    ),
    Case(
        "identifiers that a spreadsheet rounded",
        text(
            "Reference Number,Date,Merchant,Amount,Currency",
            *rows("2.02512E+15,2025-04-{day},{shop},{pence},GBP"),
        ),
        columns={"merchant_name": "Merchant"},
    ),
    Case(
        "workbook with a title, a note and a sheet of purchases",
        sheets(
            {
                "Cover": [["Purchase cards"], ["April 2025"]],
                "Purchases": [
                    ["Anytown Council"],
                    [],
                    ["Date", "Supplier", "Amount (GBP)", "Service"],
                    *([(45758 + n, "date"), SHOPS[n], 12.5 + n, "Parks"] for n in range(6)),
                    ["Total", "", 90.0, ""],
                ],
            }
        ),
        columns={"authorized_at": "Date", "merchant_name": "Supplier", "amount": "Amount (GBP)"},
        settings={"sheet": "Purchases", "header_line": 3, "totals": ("Total",)},
        constants={"currency": "GBP"},
        suffix=".xlsx",
    ),
    Case(
        "words for nothing",
        text(
            "Date,Posting Date,Supplier,Amount,Currency,MCC",
            *rows("2025-04-{day},-,{shop},{pence},GBP,5812", 5),
            "2025-04-20,2025-04-21,Corner Bakery,3.00,GBP,N/A",
        ),
        columns={"posted_at": "Posting Date", "mcc": "MCC"},
        settings={"nulls": ("-", "N/A")},
    ),
    # --- what is no list of purchases -------------------------------------------------------------
    Case(
        "no header",
        text(*rows("2025-04-{day},{shop},{pence},GBP")),
        refusal="no line names the columns",
    ),
    Case(
        "header alone",
        text("Transaction Date,Merchant Name,Amount,Currency"),
        refusal="as wide",
    ),
    Case("nothing", lambda path: path.write_bytes(b"") and None, refusal="is empty"),
    Case(
        "prose",
        text("Please find the April statement attached.", "Kind regards"),
        refusal="not divided",
    ),
    Case(
        "no dates",
        text("Merchant Name,Amount,Currency", *rows("{shop},{pence},GBP")),
        asked=("column",),
    ),
)
