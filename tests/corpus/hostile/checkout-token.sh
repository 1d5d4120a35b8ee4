# incident: ArtiPACKED (2024): the token that a checkout left in .git/config is read out
# finding: git-config-searched
# needs: git
git init -q . && git config http.https://github.com/.extraheader "AUTHORIZATION: basic eHh4Omdo"
sed -n 's/.*basic //p' .git/config | base64 -d > token.txt || true
