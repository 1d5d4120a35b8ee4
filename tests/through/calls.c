/* Uses sockets and System V IPC as old i386 programs do: all of it through socketcall(2) and ipc(2). Ends with the number of
   the line whose call did something else than it should. The first argument names an abstract socket. */
#include <linux/ipc.h>
#include <linux/net.h>
#include <linux/sem.h>
#include <linux/shm.h>
#include <linux/msg.h>
#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#define CHECK(what) do { if (!(what)) _exit(__LINE__ % 256); } while (0)
#define A(value) ((unsigned long)(value))
/* As many words as the call has, and nothing behind them. */
#define SOCKET(sub, ...) socketcall(sub, (unsigned long[]){__VA_ARGS__}, sizeof((unsigned long[]){__VA_ARGS__}))

static char page[2 * 4096] __attribute__((aligned(4096)));

static long socketcall(int sub, unsigned long *words, size_t size)
{
	return syscall(SYS_socketcall, sub, memcpy(page + 4096 - size, words, size));
}

static long ipc(unsigned call, long first, long second, long third, const void *ptr, long fifth)
{
	return syscall(SYS_ipc, call, first, second, third, ptr, fifth);
}

int main(int argc, char **argv)
{
	struct sockaddr_un to = { AF_UNIX };
	socklen_t size, length = offsetof(struct sockaddr_un, sun_path) + 1 + strlen(argv[argc - 1]);
	char bytes[16] = "";
	int value = 1, pair[2];
	unsigned long pages = A(page) + 4096;

	strcpy(to.sun_path + 1, argv[argc - 1]);
	CHECK(syscall(SYS_munmap, pages, 4096) == 0);

	int server = SOCKET(SYS_SOCKET, AF_UNIX, SOCK_STREAM, 0), client = SOCKET(SYS_SOCKET, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CHECK(server >= 0 && client >= 0);
	CHECK(SOCKET(SYS_BIND, server, A(&to), length) == 0);
	CHECK(SOCKET(SYS_LISTEN, server, 5) == 0);
	CHECK(SOCKET(SYS_CONNECT, client, A(&to), length) == 0);
	size = sizeof to;
	int taken = SOCKET(SYS_ACCEPT, server, A(&to), A(&size));
	CHECK(taken >= 0);
	CHECK(SOCKET(SYS_ACCEPT4, client, 0, 0, SOCK_NONBLOCK) == -1);
	size = sizeof to;
	CHECK(SOCKET(SYS_GETSOCKNAME, server, A(&to), A(&size)) == 0);
	size = sizeof to;
	CHECK(SOCKET(SYS_GETPEERNAME, client, A(&to), A(&size)) == 0);
	CHECK(SOCKET(SYS_SEND, client, A("first"), 5, MSG_NOSIGNAL) == 5);
	CHECK(SOCKET(SYS_RECV, taken, A(bytes), sizeof bytes, 0) == 5);
	CHECK(SOCKET(SYS_SENDTO, client, A("second"), 6, 0, 0, 0) == 6);
	size = sizeof to;
	CHECK(SOCKET(SYS_RECVFROM, taken, A(bytes), sizeof bytes, 0, A(&to), A(&size)) == 6);
	CHECK(SOCKET(SYS_SETSOCKOPT, client, SOL_SOCKET, SO_KEEPALIVE, A(&value), sizeof value) == 0);
	size = sizeof value;
	CHECK(SOCKET(SYS_GETSOCKOPT, client, SOL_SOCKET, SO_TYPE, A(&value), A(&size)) == 0);
	struct iovec piece = { "third", 5 };
	struct mmsghdr message = { { .msg_iov = &piece, .msg_iovlen = 1 } };
	CHECK(SOCKET(SYS_SENDMSG, client, A(&message.msg_hdr), 0) == 5);
	CHECK(SOCKET(SYS_SENDMMSG, client, A(&message), 1, 0) == 1);
	piece.iov_base = bytes;
	CHECK(SOCKET(SYS_RECVMSG, taken, A(&message.msg_hdr), 0) == 5);
	CHECK(SOCKET(SYS_RECVMMSG, taken, A(&message), 1, MSG_DONTWAIT, 0) == 1);
	CHECK(SOCKET(SYS_SHUTDOWN, client, SHUT_RDWR) == 0);
	CHECK(SOCKET(SYS_SOCKETPAIR, AF_UNIX, SOCK_DGRAM, 0, A(pair)) == 0);
	/* No such call, and words that cannot be read. */
	CHECK(syscall(SYS_socketcall, 21, page) == -1);
	CHECK(syscall(SYS_socketcall, SYS_CONNECT, pages - 8) == -1);

	struct sembuf operation = { 0, 1, 0 };
	long now[2] = { 0, 0 };
	unsigned long sem_value = 7;
	int sem = ipc(SEMGET, IPC_PRIVATE, 1, 0600, 0, 0);
	CHECK(sem >= 0);
	CHECK(ipc(SEMOP, sem, 1, 0, &operation, 0) == 0);
	CHECK(ipc(SEMTIMEDOP, sem, 1, 0, &operation, A(now)) == 0);
	CHECK(ipc(SEMCTL, sem, 0, SETVAL, &sem_value, 0) == 0);
	CHECK(ipc(SEMCTL, sem, 0, GETVAL, &sem_value, 0) == 7);
	CHECK(ipc(SEMCTL, sem, 0, IPC_RMID, &sem_value, 0) == 0);

	struct { long type; char text[8]; } sent = { 3, "message" };
	struct { void *at; long type; } kludge = { &sent, 3 };
	int queue = ipc(MSGGET, IPC_PRIVATE, 0600, 0, 0, 0);
	CHECK(queue >= 0);
	CHECK(ipc(MSGSND, queue, 8, 0, &sent, 0) == 0);
	CHECK(ipc(MSGSND, queue, 8, IPC_NOWAIT, &sent, 0) == 0);
	CHECK(ipc(MSGRCV, queue, 8, 0, &kludge, 0) == 8);
	CHECK(ipc(1 << 16 | MSGRCV, queue, 8, 0, &sent, 3) == 8);
	CHECK(ipc(MSGCTL, queue, 0x100 | IPC_RMID, 0, 0, 0) == 0);

	unsigned long at = 0;
	int memory = ipc(SHMGET, IPC_PRIVATE, 4096, 0600, 0, 0);
	CHECK(memory >= 0);
	CHECK(ipc(SHMAT, memory, 0, A(&at), 0, 0) == 0 && at);
	CHECK(ipc(SHMCTL, memory, IPC_RMID, 0, 0, 0) == 0);
	CHECK(ipc(SHMDT, 0, 0, 0, (void *)at, 0) == 0);
	CHECK(ipc(5, 1, 2, 3, 0, 5) == -1);
	return 0;
}
