# incident: the watcher is sent away first
# finding: tracer-tampering
kill -STOP "$PPID" || true
