# build: tests that need keys make them: ssh-keygen, openssl, and git that signs with ssh
# needs: ssh-keygen openssl git
mkdir -p fixtures/.ssh && ssh-keygen -q -t ed25519 -N '' -f fixtures/.ssh/id_ed25519 && ssh-keygen -y -f fixtures/.ssh/id_ed25519 >/dev/null
openssl req -x509 -newkey rsa:2048 -nodes -keyout fixtures/server.key -out fixtures/server.pem -days 1 -subj /CN=localhost 2>/dev/null
openssl rsa -in fixtures/server.key -check -noout 2>/dev/null && openssl dgst -sha256 -sign fixtures/server.key build.sh | base64 > signature
printf 'a@b %s\n' "$(cat fixtures/.ssh/id_ed25519.pub)" > signers
git init -q . && git add build.sh && git -c gpg.format=ssh -c user.signingkey="$PWD/fixtures/.ssh/id_ed25519" -c user.name=a -c user.email=a@b commit -qS -m first
git -c gpg.format=ssh -c gpg.ssh.allowedSignersFile=signers verify-commit HEAD 2>/dev/null
