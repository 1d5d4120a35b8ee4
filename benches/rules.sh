#!/usr/bin/env bash
# What Falco's stock rules cost: events a second on the captures of a real build, and the wall time of that build with
# rules beside the same trace without any, in interleaved rounds.
#   benches/rules.sh [SOURCE]       a package's unpacked source with a configure script; default: apt-get source hello
# ROUNDS (5) and SMTRACE (target/release/smtrace) can be set. Prints Markdown for benches/runs/.
set -euo pipefail
cd "$(dirname "$0")/.."
smtrace=${SMTRACE:-$PWD/target/release/smtrace}
rounds=${ROUNDS:-5}
stock=$PWD/tests/falco
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

if [ $# = 0 ]; then
    (cd "$dir" && apt-get source -qq hello >/dev/null && mv hello-*/ source)
else
    cp -a "$1" "$dir/source"
fi
cd "$dir/source"
build=(sh -c './configure && make')
clean() { make -s distclean >/dev/null 2>&1 || true; }

# The calls that a run with these rules traces, so that both contenders trace the same.
calls=$("$smtrace" rules show --json "$stock" | python3 -c 'import json, sys; print(",".join(json.load(sys.stdin)["calls"]))')

once() { # NAME ARGUMENT...: milliseconds of one traced build
    local name=$1 start
    shift
    clean
    start=$(date +%s%N)
    "$smtrace" -q -e "$calls" "$@" -o "$dir/log" -- "${build[@]}" >/dev/null 2>&1
    echo $((($(date +%s%N) - start) / 1000000)) >>"$dir/$name.ms"
}
with_rules() { once rules --rules "$stock"; }
without() { once none; }

clean
"$smtrace" -q -e all -w "$dir/all.smt" -- "${build[@]}" >/dev/null 2>&1
clean
"$smtrace" -q -e "$calls" -w "$dir/rules.smt" -- "${build[@]}" >/dev/null 2>&1
for round in $(seq "$rounds"); do
    if ((round % 2)); then with_rules && without; else without && with_rules; fi
done

median() { sort -n "$dir/$1.ms" | awk '{ all[NR] = $1 } END { print all[int((NR + 1) / 2)] }'; }
spread() { sort -n "$dir/$1.ms" | awk 'NR == 1 { low = $1 } END { print low " .. " $1 }'; }
printf 'Linux %s, %s CPUs, load %s; %s rounds, medians\n\n' "$(uname -r)" "$(nproc)" "$(cut -d' ' -f1-3 /proc/loadavg)" "$rounds"
printf '| trace of configure and make | ms | min .. max |\n| --- | ---: | ---: |\n'
printf '| with all stock rules | %s | %s |\n' "$(median rules)" "$(spread rules)"
printf '| the same calls, no rules | %s | %s |\n\n' "$(median none)" "$(spread none)"
awk "BEGIN { printf \"rules / no rules: %.3f\n\n\", $(median rules) / $(median none) }"
cd - >/dev/null
if [ -n "${BENCH:-}" ]; then "$BENCH" "$dir/rules.smt" "$dir/all.smt"; else cargo bench -q --bench rules -- "$dir/rules.smt" "$dir/all.smt"; fi
