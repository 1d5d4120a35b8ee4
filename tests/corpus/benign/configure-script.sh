# build: a hand-made configure that compiles and runs its tests in TMPDIR, as many do
# needs: gcc make
cat > configure <<'SH'
#!/bin/sh
set -e
dir=$(mktemp -d "${TMPDIR:-/tmp}/conf.XXXXXX"); trap 'rm -rf "$dir"' EXIT
for word in 'unsigned long' 'void *' 'long long'; do
  printf '#include <stdio.h>\nint main(void) { printf("%%zu", sizeof(%s)); return 0; }\n' "$word" > "$dir/conftest.c"
  cc -o "$dir/conftest" "$dir/conftest.c"
  echo "/* $word: $("$dir/conftest") */" >> config.h
done
sed -e 's/@CC@/cc/' Makefile.in > Makefile
SH
printf 'all: a\na: a.c config.h\n\t@CC@ -o a a.c\n' > Makefile.in; echo 'int main(void) { return 0; }' > a.c
chmod +x configure; ./configure && make && sed -i 's/0/1/' a.c && make && ! ./a
