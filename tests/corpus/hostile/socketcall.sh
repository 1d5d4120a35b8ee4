# incident: the cloud is asked for the machine's own key by the other ABI's calls, whose address lies behind two pointers
# finding: metadata-service-contacted
# needs: gcc
cat > helper.c <<'C'
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/socket.h>
static long socketcall(long number, unsigned *words) {
    long result;
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(102L), "b"(number), "c"(words) : "memory", "r8", "r9", "r10", "r11");
    return result;
}
int main(void) {
    unsigned *low = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
    struct sockaddr_in *to = (void *)(low + 16);
    to->sin_family = AF_INET, to->sin_port = htons(80), to->sin_addr.s_addr = inet_addr("169.254.169.254");
    low[0] = AF_INET, low[1] = SOCK_STREAM | SOCK_NONBLOCK, low[2] = 0;
    long s = socketcall(1, low);
    low[0] = s, low[1] = (unsigned)(unsigned long)to, low[2] = sizeof *to;
    socketcall(3, low);
    return s < 0;
}
C
gcc -O1 -o helper helper.c && ./helper
