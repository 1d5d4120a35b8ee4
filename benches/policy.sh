#!/usr/bin/env bash
# A policy on a real build: learned twice it is the same file, the build passes it, and enforced it changes nothing. Takes a source
# directory with a configure script, of which copies are built. Usage: policy.sh SOURCE [SMTRACE]
set -euo pipefail
source=$(realpath "$1")
smtrace=$(realpath "${2:-$(dirname "$0")/../target/release/smtrace}")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# Times of files are kept: autotools would make anew what seems older than what it is made of.
build() {
    rm -rf "$dir/work"
    cp -a "$source" "$dir/work"
    (cd "$dir/work" && "$smtrace" audit --report "$dir/report" "$@" -- sh -c './configure -q && make -s') >"$dir/said" 2>&1 ||
        { tail -20 "$dir/said"; echo "failed with $?: audit $*"; exit 1; }
}
told() { python3 -c 'import json, sys; facts = json.load(open(sys.argv[1])); print(eval(sys.argv[2]))' "$dir/report/audit.json" "$1"; }
made() { (cd "$dir/work" && find . -type f -name '*.o' -print0 | sort -z | xargs -0 sha256sum); }

build --learn "$dir/one.yaml"
made >"$dir/objects"
build --learn "$dir/two.yaml"
cmp "$dir/one.yaml" "$dir/two.yaml"
echo "learned twice: the same $(wc -l <"$dir/one.yaml") lines"
build --policy "$dir/one.yaml"
echo "held against it: $(told 'len(facts["findings"])') findings, $(told 'len(facts["processes"])') processes"
build --policy "$dir/one.yaml" --enforce
made | cmp - "$dir/objects"
echo "enforced: $(told 'len(facts["findings"])') findings, the same objects"
build --hermetic
echo "hermetic: $(told 'facts["hermetic"]["hermetic"]'), because of $(told 'sorted({one["kind"] for one in facts["hermetic"]["reasons"]})')"
