# incident: credentials are taken from the environment of the runner's process
# finding: process-environment-read
tr '\0' '\n' < "/proc/$VICTIM/environ" | grep -c = || true
