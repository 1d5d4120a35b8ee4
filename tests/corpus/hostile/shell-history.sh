# incident: passwords that were typed into a prompt
# finding: shell-history-read
grep -iE 'pass|token|key' ~/.bash_history ~/.zsh_history || true
