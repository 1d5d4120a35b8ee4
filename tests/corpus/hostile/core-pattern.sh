# incident: leaving a container by the handler of crashes
# finding: kernel-setting-written
# The place below the file does not exist, so that nothing is changed.
echo '|/tmp/handler %p' > /proc/sys/kernel/core_pattern/harmless || true
