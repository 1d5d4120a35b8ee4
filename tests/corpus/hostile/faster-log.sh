# incident: faster_log and async_println (crates.io, 2025): compiled code looks for the keys of Solana
# finding: credential-read
# needs: gcc
cat > faster_log.c <<'C'
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
int main(void) {
    char path[4096], key[256];
    snprintf(path, sizeof path, "%s/.config/solana", getenv("HOME"));
    int dir = open(path, O_RDONLY | O_DIRECTORY), fd = openat(dir, "id.json", O_RDONLY);
    printf("%zd bytes\n", read(fd, key, sizeof key));
    return 0;
}
C
gcc -o faster_log faster_log.c && ./faster_log
