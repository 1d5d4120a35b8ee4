#!/usr/bin/env bash
# Writes two sample reports, one with names that mean harm and one with 100,000 facts, has them read by the tools that others
# use, takes pictures of the page, and measures how long a reader waits for it. Needs what tests/validators/run needs.
# Usage: reports.sh [DIR]
set -euo pipefail
cd "$(dirname "$0")/.."
dir=$(realpath -m "${1:-target/reports}")
mkdir -p "$dir"
SMTRACE_WRITE_SAMPLES=$dir cargo test --quiet --lib report::html >/dev/null

status=0
for name in hostile large; do
    echo "== $name"
    VALIDATORS=required tests/validators/run --report "$dir/$name" "$dir/read" || status=1
    rm -rf "${dir:?}/$name-pictures"
    mv "$dir/read/pictures" "$dir/$name-pictures"
done
echo '== waiting for the page of 100,000 facts'
PYTHONDONTWRITEBYTECODE=1 python3 tests/validators/wait.py "$dir/large" || status=1
echo "pictures to look at: $dir/*-pictures"
exit "$status"
