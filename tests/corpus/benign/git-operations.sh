# build: what a job does with git: clone, branch, merge, tag, stash, hooks of the template, submodule
# needs: git
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
git init -q origin && cd origin && mkdir -p .github/workflows && echo 'on: push' > .github/workflows/ci.yml
echo 'int a;' > a.c && git add -A && git commit -qm one && git checkout -qb topic && echo 'int b;' >> a.c && git commit -qam two
git checkout -q - && git merge -q topic && git tag v1 && cd ..
git clone -q origin copy && cd copy && git log --oneline && echo 'int c;' >> a.c && git stash -q && git stash pop -q && git diff > ../x.patch
git checkout -q a.c && git apply ../x.patch && git describe --tags && git archive HEAD | tar t > /dev/null && git config user.name x && git gc -q
git bundle create -q ../b.bundle --all && git worktree add -q ../tree v1 && git clean -qfdx && git submodule status
