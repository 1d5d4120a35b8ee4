#!/usr/bin/env bash
# Trace a build, write the same records as .scap and as JSON, and compare what sysdig reads with our lines.
#   benches/scap.sh [COMMAND [ARG...]]      default: 160 C files through make and gcc, more than 100,000 events
# Needs sysdig (Debian's 0.29.3 is what the answers are known for) and python3.
set -euo pipefail
cd "$(dirname "$0")/.."
smtrace=${SMTRACE:-$PWD/target/release/smtrace}
compare=$PWD/benches/scap_compare.py
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

if [ $# = 0 ]; then
    mkdir "$dir/src"
    for i in $(seq 160); do
        printf '#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n' >"$dir/src/f$i.c"
        printf 'int f%d(const char *x) { return printf("%%%%zu", strlen(x ? x : getenv("HOME"))); }\n' "$i" >>"$dir/src/f$i.c"
    done
    printf 'all: $(patsubst %%.c,%%.o,$(wildcard *.c))\n\tar rcs lib.a *.o\n' >"$dir/src/Makefile"
    set -- make -s -j2 -C "$dir/src"
fi

"$smtrace" -e all -w "$dir/build.smt" -- "$@"
"$smtrace" replay "$dir/build.smt" -w "$dir/build.scap"
"$smtrace" replay "$dir/build.smt" -w "$dir/build.scap.gz"
"$smtrace" replay "$dir/build.smt" --format json -o "$dir/build.json"
ls -l "$dir"/build.*
events=$(wc -l <"$dir/build.json")
echo "events: $events"
zcat "$dir/build.scap.gz" | cmp - "$dir/build.scap"
"$compare" "$dir/build.json" "$dir/build.scap"
[ "$events" -ge 100000 ] || { echo "fewer than 100,000 events: give a longer build"; exit 1; }
