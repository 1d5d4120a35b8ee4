#!/bin/bash
# Much, for long: what is too slow for every test run. Prints one line per part, exits 1 when one failed.
#
# usage: soak.sh [SMTRACE]    (default target/release/smtrace; the guest program: cargo build --release --example guest)
#   KILLS=200 SHORT=20000 TASKS=2000   how much of each
#   CASES=DIR                          a directory with run_cases.py, run three times beside stress-ng
set -u
cd "$(dirname "$0")/.."
smtrace=$(realpath "${1:-target/release/smtrace}")
guest=$(dirname "$smtrace")/examples/guest
KILLS=${KILLS:-200} SHORT=${SHORT:-20000} TASKS=${TASKS:-2000}
dir=$(mktemp -d) failed=0
trap 'rm -rf "$dir"' EXIT
[ -x "$smtrace" ] && [ -x "$guest" ] || { echo "build first: cargo build --release --bins --examples"; exit 2; }

report() { # NAME, and whether it went well as the last command's status
  local status=$? name=$1
  shift
  if [ $status = 0 ]; then echo "ok      $name $*"; else echo "FAILED  $name $*"; failed=1; fi
}

# A log that is whole: every line starts as a line must, and the last one has its end.
whole() {
  [ -s "$1" ] || return 1
  [ "$(tail -c 1 "$1" | od -An -tx1 | tr -d ' ')" = 0a ] || return 1
  ! grep -qv '^\[[0-9-]* [0-9:.]*\]: ' "$1"
}

# Enters and exits of the guest in the log are as many as there must be (a shell makes some of the calls too).
counted() { # LOG NAME TIMES
  [ "$(grep -c "]: $2 .*dir=> .*comm=guest " "$1")" = "$3" ] && [ "$(grep -c "]: $2 .*dir=< .*comm=guest " "$1")" = "$3" ]
}

short() {
  timeout 1200 "$smtrace" -q -o "$dir/log" --format module -e getppid -- "$guest" fork "$SHORT" >"$dir/out" || return
  counted "$dir/log" getppid $((SHORT * 3)) && whole "$dir/log"
}

# TASKS threads in processes of 100 that run side by side.
tasks() {
  timeout 600 "$smtrace" -q -o "$dir/log" --format module -e getppid -- \
    sh -c 'i=0; while [ $i -lt '$((TASKS / 100))' ]; do "$1" threads 100 20 & i=$((i+1)); done; wait' sh "$guest" >"$dir/out" || return
  counted "$dir/log" getppid $((TASKS * 20)) && whole "$dir/log"
}

live() { # sleeping processes, all alive together
  timeout 600 "$smtrace" -q -o "$dir/log" --format module -e execve -- \
    sh -c 'i=0; while [ $i -lt '"$TASKS"' ]; do sleep 1000 & p="$p $!"; i=$((i+1)); done; kill $p; wait' >"$dir/out" 2>&1 || return
  whole "$dir/log"
}

# SIGKILL of smtrace at a random moment: nothing of its tree lives a second later, and the log is whole up to its end.
kills() {
  local i mark pid delay lost=0 cut=0 left
  for ((i = 0; i < KILLS; i++)); do
    mark=soak-$$-$i
    "$smtrace" -q -o "$dir/log" --format module -e getppid,openat,execve -- \
      env SOAK="$mark" sh -c 'while :; do "$1" threads 4 50 & "$1" fork 5; wait; done' sh "$guest" >/dev/null 2>&1 &
    pid=$!
    delay=$((RANDOM % 400 + 1))
    sleep "0.$(printf %03d $delay)"
    kill -KILL $pid
    wait $pid 2>/dev/null
    sleep 1
    left=$(grep -lzx "SOAK=$mark" /proc/[0-9]*/environ 2>/dev/null | wc -l)
    [ "$left" = 0 ] || lost=$((lost + 1))
    [ ! -s "$dir/log" ] || whole "$dir/log" || cut=$((cut + 1))
    rm -f "$dir/log"
  done
  echo "        $lost of $KILLS left a survivor, $cut of $KILLS logs were not whole"
  [ $lost = 0 ] && [ $cut = 0 ]
}

cases() {
  local load status
  stress-ng --cpu 4 --quiet &
  load=$!
  REPEAT=3 TIMEOUT=60 python3 "$CASES/run_cases.py" "$smtrace" -q --format json -o %LOG% -- >"$dir/cases"
  status=$?
  kill $load
  wait $load 2>/dev/null
  grep -E '^(DIFF|HANG)|passed' "$dir/cases"
  return $status
}

short
report "$SHORT short processes"
tasks
report "$TASKS threads in processes of 100"
live
report "$TASKS live processes"
kills
report "SIGKILL at $KILLS random moments"
if [ -n "${CASES:-}" ] && command -v stress-ng >/dev/null; then
  cases
  report "cases three times beside stress-ng"
else
  echo "skipped cases beside stress-ng: needs CASES=DIR and stress-ng"
fi
exit $failed
