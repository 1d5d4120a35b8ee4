# incident: what was typed is not to be found again
# finding: traces-wiped
ln -sf /dev/null ~/.bash_history
