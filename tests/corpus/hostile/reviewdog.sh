# incident: reviewdog/action-setup (2025): install.sh has a block in base64 that goes to an interpreter
# finding: decoded-piped-to-interpreter
# needs: python3
echo 'cHJpbnQoInJ1bm5lciBtZW1vcnkiKQo=' | base64 -d | python3 -
