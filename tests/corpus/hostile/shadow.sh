# incident: the passwords of the machine
# finding: system-secret-read
cat /etc/shadow > /dev/null || true
