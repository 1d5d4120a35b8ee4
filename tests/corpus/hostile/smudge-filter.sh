# incident: a filter of git attributes runs at each checkout
# finding: credential-read
# needs: git
export GIT_AUTHOR_NAME=b GIT_AUTHOR_EMAIL=b@c GIT_COMMITTER_NAME=b GIT_COMMITTER_EMAIL=b@c
git init -q . && git config filter.x.smudge 'sh -c "cat ~/.netrc > /dev/null; cat"' && echo '*.bin filter=x' > .gitattributes && echo 1 > a.bin
git add . && git commit -qm first && rm a.bin && git checkout -q -- a.bin
