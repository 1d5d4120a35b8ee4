# build: a small interpreter is compiled, and used to make sources that are compiled in turn (two stages)
# needs: gcc make
cat > gen.c <<'C'
#include <stdio.h>
int main(int n, char **v) { FILE *f = fopen(v[1], "w"); fprintf(f, "int main(void) { return %d; }\n", n - 2); return fclose(f); }
C
printf 'stage2: stage1.c\n\tgcc -o $@ $<\nstage1.c: gen\n\t./gen $@\ngen: gen.c\n\tgcc -o $@ $<\n' > Makefile
make -s && ./stage2 && cp gen "$TMPDIR/gen-copy" && "$TMPDIR/gen-copy" again.c
