# build: eighty units with many include directories and optional headers that are not there, with dependency files
# needs: make gcc
for n in $(seq 80); do printf "#if __has_include(\"missing%d.h\")\n#include \"missing%d.h\"\n#endif\nint f%d(void) { return 0; }\n" $n $n $n > "u$n.c"; done
{ echo 'int main(void) { return 0; }'; } > main.c
dirs=$(for n in $(seq 12); do mkdir -p "inc$n"; printf -- '-Iinc%s ' "$n"; done)
printf 'CFLAGS = %s -MMD\nobjects = $(patsubst %%.c,%%.o,$(wildcard *.c))\nprogram: $(objects)\n\t$(CC) -o $@ $^\n-include $(wildcard *.d)\n' "$dirs" > Makefile
make -s -j2 program && ./program && make -s -j2 program
