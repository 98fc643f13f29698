#!/usr/bin/env bash
# A manifest that dbtRunner has built once with is not the manifest that was parsed: the build has
# compiled the ephemeral models into it. A second build with the same object leaves the inner one of
# two nested ephemeral models out of the SQL that it sends, and the table cannot be made.
# Fails if that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check \
  dbt-core==1.11.16 dbt-duckdb==1.11.1 duckdb==1.5.5
cd "$folder"
mkdir models
cat > dbt_project.yml <<'YML'
name: shop
version: "1.0.0"
profile: shop
YML
cat > profiles.yml <<'YML'
shop:
  target: local
  outputs:
    local: {type: duckdb, path: shop.duckdb}
YML
echo "{{ config(materialized='ephemeral') }} select 1 as id" > models/inner_one.sql
echo "{{ config(materialized='ephemeral') }} select * from {{ ref('inner_one') }}" > models/middle.sql
echo "{{ config(materialized='table') }} select * from {{ ref('middle') }}" > models/outer_one.sql
export DBT_SEND_ANONYMOUS_USAGE_STATS=false
venv/bin/python - <<'PYTHON'
from importlib.metadata import version

from dbt.cli.main import dbtRunner

print("dbt-core", version("dbt-core"), "dbt-duckdb", version("dbt-duckdb"))
places = ["--quiet", "--project-dir", ".", "--profiles-dir", "."]
manifest = dbtRunner().invoke(["parse", *places]).result
first, second = (
    dbtRunner(manifest=manifest).invoke(["build", *places]) for _ in range(2)
)
said = " ".join((second.result.results[0].message or "").split())
print("first build:", first.success, "second build:", second.success, said[:120])
assert first.success, "changed: the first build fails"
assert not second.success and "does not exist" in said, "changed: a built manifest can be reused"
PYTHON
