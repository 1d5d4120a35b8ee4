# build: make within bubblewrap, without a network and with the sources only
# needs: bwrap make gcc
printf 'all: a b\n%%: %%.c\n\tgcc -O1 -o $@ $<\n' > Makefile
echo 'int main(void) { return 0; }' | tee a.c > b.c
bwrap --ro-bind / / --dev /dev --proc /proc --tmpfs /tmp --bind "$PWD" "$PWD" --unshare-net --unshare-pid --chdir "$PWD" make -s -j2 2>/dev/null || make -s -j2
./a && ./b
