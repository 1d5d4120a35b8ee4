# build: a release from a repository with a submodule, a bundle, work trees and signed-off history
# needs: git tar xz
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
git init -q library && echo one > library/file && git -C library add . && git -C library commit -qm one
git init -q product && cd product && echo two > two && git add . && git commit -qm two
git -c protocol.file.allow=always submodule --quiet add "$PWD/../library" library && git commit -qm submodule
git bundle create -q ../product.bundle HEAD && git clone -q ../product.bundle ../again 2>/dev/null; git worktree add -q ../tree HEAD
git submodule foreach --quiet 'git log --oneline | head -1'
git tag -a v1 -m v1 && git archive --prefix=product-1/ v1 | xz > ../product-1.tar.xz && git describe && tar tf ../product-1.tar.xz >/dev/null
