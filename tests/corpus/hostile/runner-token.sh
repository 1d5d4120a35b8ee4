# incident: the token by which a self-hosted runner logs in
# finding: runner-secret-read
mkdir -p ~/actions-runner; cat ~/actions-runner/.credentials || true
