#!/usr/bin/env bash
# python-calamine believes a path's suffix and not the bytes: a workbook of today's format that a
# portal sends as .xls is refused by from_path and read by from_filelike.
# Fails if that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check python-calamine==0.9.1 XlsxWriter==3.2.5
cd "$folder"
venv/bin/python - <<'PYTHON'
from importlib.metadata import version
from python_calamine import CalamineError, CalamineWorkbook
import xlsxwriter

print("python-calamine", version("python-calamine"))
with xlsxwriter.Workbook("export.xls") as book:
    sheet = book.add_worksheet()
    for row in range(2, 5):
        sheet.write_row(row, 0, ["a", row])
try:
    CalamineWorkbook.from_path("export.xls")
    raise SystemExit("changed: from_path reads it")
except CalamineError as error:
    print("from_path:", error)
with open("export.xls", "rb") as file:
    rows = CalamineWorkbook.from_filelike(file).get_sheet_by_index(0).to_python()
print("from_filelike:", rows)
assert rows == [["a", 2.0], ["a", 3.0], ["a", 4.0]], "changed: from_filelike reads something else"
PYTHON
