#!/usr/bin/env bash
# DuckDB's try_strptime reads the words infinity and epoch as 1900-01-01, whatever the pattern says.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet duckdb==1.5.5
"$folder/env/bin/python" - <<'PYTHON'
import duckdb

words = ["04/03/2025", "epoch", "infinity", "never"]
found = {
    word: duckdb.execute("select try_strptime($1, '%d/%m/%Y')::varchar", [word]).fetchone()[0]
    for word in words
}
print("duckdb", duckdb.__version__, found)
expected = {"04/03/2025": "2025-03-04 00:00:00", "epoch": "1900-01-01 00:00:00", "infinity": "1900-01-01 00:00:00", "never": None}
raise SystemExit(found != expected)
PYTHON
