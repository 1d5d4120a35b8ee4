# build: release notes, checksums and a dry run of a publication; node and python packers
# needs: npm node python3 git
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
git init -q . && echo '{"name": "lib", "version": "1.0.0", "main": "i.js", "files": ["i.js"]}' > package.json && echo 'module.exports = 1' > i.js && git add . && git commit -qm one && git tag v1.0.0
npm pack --silent >/dev/null && npm publish --dry-run --silent >/dev/null 2>&1; git log --oneline v1.0.0 > NOTES && sha256sum *.tgz > SUMS && sha256sum -c --quiet SUMS
