#!/usr/bin/env bash
# Writes sample reports and has them read by the tools that others use: SARIF's multitool with GitHub's rules and its JSON
# Schema, in-toto's library, headless Chromium. Needs cargo, npm, python3 and chromium (apt). Usage: reports.sh [DIR]
set -euo pipefail
cd "$(dirname "$0")/.."
dir=$(realpath -m "${1:-target/reports}")
mkdir -p "$dir"
SMTRACE_WRITE_SAMPLES=$dir cargo test --quiet --lib report::html >/dev/null

tools=$dir/tools
if [ ! -d "$tools" ]; then
    python3 -m venv "$tools"
    "$tools/bin/pip" install --quiet in-toto-attestation check-jsonschema
    # Its install script only marks the program as executable, which the next line does.
    npm install --silent --ignore-scripts --prefix "$tools" @microsoft/sarif-multitool
fi
multitool=$tools/node_modules/@microsoft/sarif-multitool-linux
chmod u+x "$multitool/Sarif.Multitool"
export DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1 # its libicu is seldom installed

for name in hostile large; do
    echo "== $name"
    "$tools/bin/check-jsonschema" --schemafile "$multitool/sarif-2.1.0.json" "$dir/$name/results.sarif"
    "$tools/bin/check-jsonschema" --schemafile docs/audit.schema.json "$dir/$name/audit.json"
    # Its status is 0 even with errors.
    said=$("$multitool/Sarif.Multitool" validate "$dir/$name/results.sarif" --rule-kind 'Sarif;Ghas' 2>&1)
    if grep -E ': error ' <<<"$said"; then exit 1; fi
    grep -q 'completed successfully' <<<"$said" || { echo "$said"; exit 1; }
    "$tools/bin/python" - "$dir/$name/attestation.json" <<'PY'
import sys
from google.protobuf import json_format
from in_toto_attestation.v1 import statement_pb2
from in_toto_attestation.v1.statement import Statement
message = json_format.Parse(open(sys.argv[1]).read(), statement_pb2.Statement())
Statement.copy_from_pb(message).validate()
print("in-toto: ok")
PY
    for shot in 1280,800,1 1280,800,0 480,900,1 480,900,0; do
        IFS=, read -r width height scheme <<<"$shot"
        timeout 120 chromium --headless --no-sandbox --disable-gpu --hide-scrollbars --virtual-time-budget=5000 \
            --blink-settings=preferredColorScheme="$scheme" --window-size="$width,$height" \
            --screenshot="$dir/$name-$width-$scheme.png" "file://$dir/$name/report.html#processes" 2>/dev/null
        test -s "$dir/$name-$width-$scheme.png"
    done
done
echo "pictures to look at: $dir/*.png"
