# build: a release signed with a key that is made for the test, in a directory of its own
# needs: git gpg gpg-agent
export GNUPGHOME="$TMPDIR/keys" GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@example.test GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@example.test
mkdir -m 700 "$GNUPGHOME"
gpg --batch --quiet --pinentry-mode loopback --passphrase '' --quick-generate-key a@example.test ed25519 sign 1d 2>/dev/null
git init -q . && git add build.sh && git -c user.signingkey=a@example.test commit -q -S -m first && git -c user.signingkey=a@example.test tag -s v1 -m v1 && git verify-tag v1 2>/dev/null
tar czf release.tar.gz build.sh && gpg --batch --quiet --detach-sign --armor release.tar.gz && gpg --batch --quiet --verify release.tar.gz.asc 2>/dev/null
gpgconf --kill gpg-agent
