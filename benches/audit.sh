#!/usr/bin/env bash
# What an audit adds to `./configure && make`, against a bare trace of the same calls: the goal is at most 1.5 times as much.
# Interleaved rounds; the medians count. Usage: audit.sh DIR [ROUNDS]
#   DIR is a package's source with a configure script (`apt-get source hello`); it is copied, not built in.
#   SMTRACE is the command (target/release/smtrace).
set -euo pipefail
cd "$(dirname "$0")/.."
source=$(realpath "${1:?a source directory with a configure script}")
rounds=${2:-5}
smtrace=$(realpath "${SMTRACE:-target/release/smtrace}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

build='(./configure && make) >/dev/null 2>&1'
# The same calls: those that the audit says it traced.
cp -a "$source" "$work/tree"
(cd "$work/tree" && "$smtrace" audit --quiet --fail-on never --report "$work/report" -- sh -c "$build")
calls=$(python3 -c 'import json,sys; print(",".join(json.load(open(sys.argv[1]))["coverage"]["calls"]))' "$work/report/audit.json")

timed() {
    local name=$1
    shift
    rm -rf "$work/tree"
    cp -a "$source" "$work/tree"
    local start end
    start=$(date +%s%N)
    (cd "$work/tree" && "$@" >/dev/null 2>&1) || { echo "$name failed" >&2; exit 1; }
    end=$(date +%s%N)
    echo "$((end - start))" >>"$work/$name"
}

for ((round = 0; round < rounds; round++)); do
    timed bare sh -c "$build"
    timed trace "$smtrace" -q -e "trace=$calls" -o /dev/null -- sh -c "$build"
    timed audit "$smtrace" audit --quiet --fail-on never --report "$work/report" -- sh -c "$build"
done

python3 - "$work" "$rounds" <<'PY'
import statistics, sys
work, rounds = sys.argv[1:]
seconds = {name: statistics.median(int(line) / 1e9 for line in open(f"{work}/{name}")) for name in ("bare", "trace", "audit")}
added = {name: seconds[name] - seconds["bare"] for name in ("trace", "audit")}
print("| run | median of", rounds, "| added |\n| --- | ---: | ---: |")
for name, value in seconds.items():
    print(f"| {name} | {value:.2f} s | {added.get(name, 0):.2f} s |")
print(f"\nThe audit adds {added['audit'] / added['trace']:.2f} times what the trace adds (goal: at most 1.5).")
PY
