#!/bin/bash
# Programs that test the kernel, run untraced and traced: what a tracer changes of what they find.
#
# usage: benches/selftests.sh DIR [SMTRACE]    (default target/release/smtrace)
#   PARTS="kernel stress"   which of the two to run
#   SECONDS_EACH=1          how long each stressor runs
#   STRESSORS="access ..."  those to run, for a run in pieces (default all of the class)
#
# kernel: the kernel's own selftests of seccomp, ptrace, clone3 and pidfd, from Debian's package linux-source-6.12, which is
# fetched into DIR (outside the repository) and built there; they need gcc, libcap-dev and root. Each is run alone, by smtrace
# with its filter, by smtrace stopping at every call, and by strace --seccomp-bpf. stress: the class `os` of stress-ng, a
# stressor at a time, as nobody, since as root some of it would harm the machine; without strace. Compared is which test
# passes, fails or is skipped. Prints a Markdown table for each part with every result that differs; what each test printed
# stays in DIR.
set -u
[ $# -ge 1 ] || { sed -n '2,/^set /s/^# \{0,1\}//p' "$0"; exit 2; }
smtrace=$(realpath "${2:-$(dirname "$0")/../target/release/smtrace}")
mkdir -p "$1" && cd "$1" || exit 2
PARTS=${PARTS:-kernel stress} SECONDS_EACH=${SECONDS_EACH:-1}
version=6.12
selftests=linux-source-$version/tools/testing/selftests

# The columns: a name and what the test is run by.
columns=("untraced" "smtrace" "smtrace --seccomp off" "strace")
declare -A by=(
  ["untraced"]=""
  ["smtrace"]="$smtrace -q --orphans kill -o /dev/null --"
  ["smtrace --seccomp off"]="$smtrace -q --orphans kill --seccomp off -o /dev/null --"
  ["strace"]="strace -f --seccomp-bpf -e trace=file -o /dev/null"
)

# Prints `RESULT NAME` for each test of one program, from its TAP or from its status.
results() { # NAME STATUS OUTPUT
  local tests
  tests=$(sed -nE 's/^(not ok|ok) [0-9]+ (.*# SKIP.*)$/skip \2/p; t; s/^(not ok|ok) [0-9]+ (.*)$/\1 \2/p' "$3" |
    sed -E 's/^not ok/fail/; s/ ?# SKIP.*//; s/[0-9]{3,}/N/g' | awk -v t="$1" '{ r = $1; $1 = ""; print r, t ":" $0 }')
  if [ -n "$tests" ]; then echo "$tests"; return; fi
  case $2 in 0) echo "ok $1" ;; 4) echo "skip $1" ;; *) echo "fail $1" ;; esac
}

compare() { # PART: the table of what differs, from PART.COLUMN.results
  local part=$1 column name got line
  echo "| test | $(printf '%s | ' "${columns[@]}")"
  echo "| --- |$(printf ' --- |%.0s' "${columns[@]}")"
  awk '{ $1 = ""; print }' "$part.untraced.results" | sort -u | while read -r name; do
    line="" got=""
    for column in "${columns[@]}"; do
      got=$(awk -v n="$name" '{ r = $1; $1 = ""; sub(/^ /, ""); if ($0 == n) print r }' "$part.$column.results" | sort | uniq -c |
        awk '{ printf "%s%s", (NR > 1 ? ", " : ""), ($1 > 1 ? $1 " " : "") $2 }')
      line="$line ${got:-none} |"
    done
    [ "$(tr '|' '\n' <<< "$line" | sed '/^$/d' | sort -u | wc -l)" = 1 ] || echo "| $name |$line"
  done
  for column in "${columns[@]:1}"; do
    echo
    echo "$column: $(diff <(sort "$part.untraced.results") <(sort "$part.$column.results") | grep -c '^<') of \
$(wc -l < "$part.untraced.results") results differ from those untraced."
  done
}

build() {
  if [ ! -d "$selftests/seccomp" ]; then
    apt-get download "linux-source-$version" >&2 || return
    dpkg-deb --fsys-tarfile linux-source-$version*.deb | tar xO "./usr/src/linux-source-$version.tar.xz" |
      tar xJ --wildcards "$selftests/*" && rm -f linux-source-$version*.deb
  fi
  mkdir -p built
  # A test that waits for a tracer of its own waits the harness's 30 s; it is enough to know that it does.
  sed -i 's/TEST_TIMEOUT_DEFAULT 30$/TEST_TIMEOUT_DEFAULT 4/' "$selftests/kselftest_harness.h"
  local source name
  for source in seccomp/seccomp_bpf ptrace/{get_syscall_info,peeksiginfo,vmaccess,get_set_sud} \
    clone3/clone3{,_clear_sighand,_set_tid,_cap_checkpoint_restore} \
    pidfd/pidfd_{test,fdinfo_test,open_test,poll_test,wait,getfd_test,setns_test}; do
    name=${source##*/}
    [ -x "built/$name" ] || (cd "$selftests/${source%/*}" &&
      gcc -O1 -w -D_GNU_SOURCE= -I.. "$name.c" -o "$OLDPWD/built/$name" -lpthread -lcap 2> /dev/null) ||
      echo "$name does not build with the headers of this machine"
  done
}

kernel() {
  build
  local column test
  for column in "${columns[@]}"; do
    : > "kernel.$column.results"
    for test in built/*; do
      # shellcheck disable=SC2086
      timeout -k 5 240 ${by[$column]} "$test" < /dev/null > out 2>&1
      results "${test##*/}" $? out >> "kernel.$column.results"
      mv out "kernel.$column.${test##*/}.out"
    done
  done
  echo "## The kernel's selftests, Linux $version's, on $(uname -r)"
  echo
  compare kernel
}

# Those that want nearly all memory, all of a disk or the network for themselves.
GREEDY='^(bigheap|brk|malloc|mmapmany|mmaphuge|mlockmany|oom-pipe|vm|vm-addr|vm-segv|icmp-flood|udp-flood|hdd|full|forkheavy|vforkmany)$'

stress() {
  local column stressor
  local columns=("${columns[@]:0:3}")
  local scratch=$PWD/scratch
  mkdir -p "$scratch" && chmod 777 "$scratch"
  chmod a+x "$PWD"
  for column in "${columns[@]}"; do
    : > "stress.$column.results"
    for stressor in ${STRESSORS:-$(stress-ng --class 'os?' 2>&1 | sed -n 's/.*stressors: //p')}; do
      grep -qE "$GREEDY" <<< "$stressor" && continue
      # shellcheck disable=SC2086
      (cd "$scratch" && timeout -k 5 60 setpriv --reuid 65534 --regid 65534 --clear-groups ${by[$column]} \
        stress-ng --"$stressor" 1 --timeout "$SECONDS_EACH" --temp-path "$scratch") < /dev/null > out 2>&1
      results "$stressor" $? out >> "stress.$column.results"
      mv out "stress.$column.$stressor.out"
    done
  done
  rm -rf "$scratch"
  echo "## stress-ng's class os, $SECONDS_EACH s each, as nobody"
  echo
  compare stress
}

for part in $PARTS; do $part; done
