#!/bin/bash
# Runs strace's own tests with another binary in strace's place, and says how many pass.
#
# usage: benches/strace-suite.sh STRACE_BUILD "COMMAND" [TEST...]
#
# STRACE_BUILD is a build tree of strace's sources whose test programs are built; COMMAND is what to run as strace, such as
# "$PWD/target/release/smtrace --format strace", or "/usr/bin/strace", which has to pass nearly all, else the truth is
# empty. With TESTs (`openat.gen.test`) only those. Such a tree is made, outside this repository, with:
#
#   apt-get source strace && apt-get build-dep strace && mkdir build && cd build
#   ../strace-*/configure --enable-mpers=no && make -k check TESTS=
#
# "Plain" are the tests whose command line traces and prints only. Not plain is a test that uses, itself or in the script
# that it sources (`ioctl-success.sh`), an option that smtrace refuses on purpose (src/options/strace/refused.rs): injected
# results (-e inject, fault), stack traces (-k), dumps of data (-e read, write), security contexts, names of processes and
# their namespaces, -b, -D, -I, -e kvm; nor one that tests strace's own messages and start-up. Tests that attach (-p) are
# not plain either: some loop for ever when they are not attached to in time.
#
# Without TESTs the plain ones are run, with ALL=1 the others too.
#
# A test that gives strace's -w fails: that names a capture here, which never takes the place of the program that such a test
# means to run. Without -f children are not followed, as in strace, so that no run needs --no-follow.
#
# Writes passed, failed and skipped, a name a line, plain ones only, into $OUT (default: ./strace-suite), and what each
# test said into $OUT/logs.
set -u
[ $# -ge 2 ] || { sed -n '2,/^set /s/^# \{0,1\}//p' "$0"; exit 2; }
BUILD=$(realpath "$1") COMMAND=$2
shift 2
OUT=${OUT:-strace-suite}
mkdir -p "$OUT" && OUT=$(realpath "$OUT")
cd "$BUILD/tests" || exit 2
SOURCE=$(sed -n 's/^srcdir = //p' Makefile)
TESTS=$*

NOT_PLAIN='inject|(^|[^a-z])fault|scno_tampering|secontext|pidns|decode-pids|-e ?kvm|--kvm|stack-trace|strace-k|-k |--tips|--help'
NOT_PLAIN="$NOT_PLAIN|daemonize|detach-on|interrupt|-e ?(read|write)=|-e(read|write)=|options-syntax|dumpio"
# A test without its first line and what says where it was generated, and the script that it sources.
text() {
    grep -v '^#' "$SOURCE/$1"
    sourced=$(sed -n 's/^\. "${srcdir=\.}\/\([^"]*\)".*/\1/p' "$SOURCE/$1" | grep -vx 'init\.sh')
    for script in $sourced; do grep -v '^#' "$SOURCE/$script"; done
}
is_plain() {
    case $1 in
    strace--*|strace-V*|options-syntax*|bexecve*|*-D*|ksysent*|unblock*|interactive*|qual_fault*|qual_inject*) return 1 ;;
    attach-*|detach-*|strace-p-*) return 1 ;;
    esac
    ! text "$1" | grep -qE -e "$NOT_PLAIN"
}

if [ -z "$TESTS" ]; then
    TESTS=$(make -s -f - print <<< 'include Makefile
print: ; @echo $(TESTS)')
    if [ -z "${ALL:-}" ]; then
        TESTS=$(for test in $TESTS; do is_plain "$test" && echo "$test"; done)
    fi
fi

rm -rf "$OUT/logs"
mkdir "$OUT/logs"
make -s -f - print > "$OUT/environment" << 'END'
include Makefile
print: ; @echo STRACE_ARCH=$(ARCH) STRACE_NATIVE_ARCH=$(NATIVE_ARCH) MIPS_ABI=$(MIPS_ABI) SIZEOF_KERNEL_LONG_T=$(SIZEOF_KERNEL_LONG_T) SIZEOF_LONG=$(SIZEOF_LONG)
END
# As automake's harness starts a test, but without rebuilding what a newer kernel's headers do not let compile.
one() {
    name=${1%.test}
    timeout -k 5 $((TIMEOUT_DURATION * 4)) "$SOURCE/run.sh" "$SOURCE/$1" > "$OUT/logs/$name" 2>&1
    case $? in
    0) result=passed ;;
    77) result=skipped ;;
    *) result=failed ;;
    esac
    rm -rf "$name.dir"
    echo "$result $name"
}
export -f one
export STRACE=$COMMAND TIMEOUT_DURATION=${TIMEOUT_DURATION:-20} SOURCE OUT srcdir=$SOURCE
tr ' ' '\n' <<< "$TESTS" | env $(cat "$OUT/environment") xargs -P "${JOBS:-2}" -I{} bash -c 'one {}' > "$OUT/results"

for result in passed failed skipped other; do : > "$OUT/$result"; done
while read -r got name; do
    if is_plain "$name.test"; then echo "$name" >> "$OUT/$got"; else echo "$got $name" >> "$OUT/other"; fi
done < <(sort -k2 "$OUT/results")
passed=$(wc -l < "$OUT/passed") failed=$(wc -l < "$OUT/failed") skipped=$(wc -l < "$OUT/skipped")
run=$((passed + failed))
echo "$COMMAND"
echo "plain: $passed of $run that run pass ($((run ? passed * 1000 / run : 0)) per mille), $skipped skipped"
[ -s "$OUT/other" ] && echo "others: $(grep -c ^passed "$OUT/other") pass, $(grep -c ^failed "$OUT/other") fail, $(grep -c ^skipped "$OUT/other") skipped"
