# build: many small objects, a static library and a program, in parallel
# needs: make gcc
for i in $(seq 12); do echo "int f$i(void) { return $i; }" > f$i.c; done
echo 'int f3(void); int main(void) { return f3() - 3; }' > main.c
cat > Makefile <<'M'
OBJ := $(patsubst %.c,%.o,$(filter-out main.c,$(wildcard *.c)))
all: prog
libf.a: $(OBJ) ; ar rcs $@ $^ && ranlib $@
prog: main.c libf.a ; $(CC) -O2 -g -o $@ main.c libf.a
%.o: %.c ; $(CC) -c -o $@ $<
check: prog ; ./prog
install: prog ; install -D -m 755 prog $(DESTDIR)/usr/local/bin/prog
clean: ; rm -f *.o *.a prog
M
make -j2 && make check && make install DESTDIR="$PWD/stage" && strip stage/usr/local/bin/prog && make clean
