# build: tests that run the program in a debugger and look at its core, and under another tracer's eye if it may
# needs: gdb gcc
printf '#include <stdlib.h>\nint shared = 41;\nint main(int argc, char **argv) { shared++; if (argc > 1) abort(); return 0; }\n' > p.c
gcc -g -O0 -o p p.c
gdb -batch -ex 'info line main' -ex 'print sizeof(shared)' ./p >/dev/null 2>&1
gcc -g -O0 -shared -fPIC -o libshared.so p.c && nm -D libshared.so >/dev/null && objdump -d p >/dev/null && readelf -a p >/dev/null && strip -o p.small p && ./p.small
