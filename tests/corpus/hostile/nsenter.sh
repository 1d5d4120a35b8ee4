# incident: back into the machine by the namespaces of its first process
# finding: namespace-entered
# needs: nsenter
nsenter -t 1 -u true || true
