# build: tests of an installer of dotfiles, in a home directory that they make
# needs: git
mkdir -p files && echo 'alias g=git' > files/bashrc && echo 'set number' > files/vimrc
cat > install.sh <<'S'
set -e
ln -sf "$PWD/files/bashrc" "$HOME/.bashrc"; cp files/vimrc "$HOME/.vimrc"; mkdir -p "$HOME/.ssh" "$HOME/.local/bin"
printf 'Host *\n  Compression yes\n' > "$HOME/.ssh/config"; git config --global alias.st status
printf '#!/bin/sh\necho hi\n' > "$HOME/.local/bin/hi"; chmod +x "$HOME/.local/bin/hi"
S
HOME=$(mktemp -d) && export HOME && sh install.sh && test -L "$HOME/.bashrc" && "$HOME/.local/bin/hi" && git config --global alias.st && rm -rf "$HOME"
