# incident: Curing (2025): a rootkit that makes no system calls but those of its ring
# finding: ring-set-up
# needs: gcc
cat > curing.c <<'C'
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
int main(void) { char params[120]; memset(params, 0, sizeof params); syscall(SYS_io_uring_setup, 4, params); return 0; }
C
gcc -o curing curing.c && ./curing
