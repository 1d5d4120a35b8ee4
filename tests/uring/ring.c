/* Works with an io_uring by raw calls: ring.c HOW [register], in a directory of its own. HOW: the setup flags,
   or `many`. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NO_MMAP (1u << 14)
#define NO_SQARRAY (1u << 16)

static int ring;
static struct io_uring_params params;
static char *queue;
static struct io_uring_sqe *entries;
static unsigned waiting;

static struct io_uring_sqe *next(int opcode, int fd, const void *addr)
{
	unsigned tail = *(unsigned *)(queue + params.sq_off.tail);
	/* Without an array the kernel takes the entries in their order. */
	unsigned at = params.flags & NO_SQARRAY ? tail + waiting : waiting;
	struct io_uring_sqe *entry = &entries[at & (params.sq_entries - 1)];
	memset(entry, 0, sizeof *entry);
	entry->opcode = opcode;
	entry->fd = fd;
	entry->addr = (unsigned long)addr;
	entry->user_data = 0x100 + waiting;
	waiting++;
	return entry;
}

/* Submits what waits and takes what came back. */
static void submit(void)
{
	unsigned *tail = (unsigned *)(queue + params.sq_off.tail), *array = (unsigned *)(queue + params.sq_off.array);
	for (unsigned at = 0; at < waiting; at++)
		if (!(params.flags & NO_SQARRAY))
			array[(*tail + at) & (params.sq_entries - 1)] = at;
	__atomic_store_n(tail, *tail + waiting, __ATOMIC_RELEASE);
	unsigned flags = IORING_ENTER_GETEVENTS | (params.flags & IORING_SETUP_SQPOLL ? IORING_ENTER_SQ_WAKEUP : 0);
	if (syscall(SYS_io_uring_enter, ring, waiting, waiting, flags, NULL, 0) != (long)waiting)
		exit(3);
	*(unsigned *)(queue + params.cq_off.head) = *(unsigned *)(queue + params.cq_off.tail);
	waiting = 0;
}

int main(int argc, char **argv)
{
	int many = argc > 1 && !strcmp(argv[1], "many");
	params.flags = argc > 1 && !many ? atoi(argv[1]) : 0;
	void *own = MAP_FAILED;
	if (params.flags & NO_MMAP) {
		own = mmap(NULL, 2 * 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		memset(own, 0, 2 * 4096);
		params.cq_off.resv2 = (unsigned long)own;
		params.sq_off.resv2 = (unsigned long)own + 4096;
	}
	ring = syscall(SYS_io_uring_setup, many ? 128 : 8, &params);
	if (ring < 0)
		return 2;
	queue = own;
	entries = (struct io_uring_sqe *)((char *)own + 4096);
	if (own == MAP_FAILED) {
		queue = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring, IORING_OFF_SQ_RING);
		entries = mmap(NULL, params.sq_entries * sizeof *entries, PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_POPULATE, ring, IORING_OFF_SQES);
		if (queue == MAP_FAILED || entries == MAP_FAILED)
			return 4;
	}
	if (argc > 2) {
		/* What a ring is told, as strace 6.1 knows it. */
		static struct { struct io_uring_probe head; struct io_uring_probe_op ops[3]; } probe;
		int files[3] = { 0, -1, 1 };
		struct io_uring_files_update update = { 1, 0, (unsigned long)files };
		struct io_uring_restriction limits[2] = { { 0, { 9 } }, { 1, { 18 } } };
		struct io_uring_buf_reg buffers = { 0x1000, 8, 2 };
		struct io_uring_rsrc_register more = { 2, 0, 0, (unsigned long)files };
		struct io_uring_rsrc_update2 again = { 1, 0, (unsigned long)files, 0, 2 };
		struct { int opcode; void *arg; int count; } calls[] = {
			{ IORING_REGISTER_FILES, files, 3 },	    { IORING_REGISTER_FILES_UPDATE, &update, 2 },
			{ IORING_REGISTER_RESTRICTIONS, limits, 2 }, { IORING_REGISTER_PBUF_RING, &buffers, 1 },
			{ IORING_REGISTER_FILES2, &more, sizeof more }, { IORING_REGISTER_FILES_UPDATE2, &again, sizeof again },
			{ IORING_REGISTER_EVENTFD, &files[2], 1 },   { IORING_REGISTER_PROBE, &probe, 3 },
		};
		for (unsigned at = 0; at < sizeof calls / sizeof *calls; at++)
			syscall(SYS_io_uring_register, ring, calls[at].opcode, calls[at].arg, calls[at].count);
		return 0;
	}
	if (many) {
		for (int at = 0; at < 100; at++)
			next(IORING_OP_NOP, -1, NULL);
		submit();
		return 0;
	}
	next(IORING_OP_MKDIRAT, AT_FDCWD, "made")->len = 0755;
	submit();
	struct io_uring_sqe *entry = next(IORING_OP_OPENAT, AT_FDCWD, "made/new");
	entry->open_flags = O_WRONLY | O_CREAT | O_CLOEXEC;
	entry->len = 0640;
	next(IORING_OP_OPENAT, AT_FDCWD, "nonesuch")->flags = IOSQE_ASYNC;
	submit();
	int file = open("made/new", O_WRONLY), directory = open("made", O_RDONLY | O_DIRECTORY);
	next(IORING_OP_WRITE, file, "content")->len = 7;
	submit();
	entry = next(IORING_OP_RENAMEAT, directory, "new");
	entry->len = AT_FDCWD;
	entry->off = (unsigned long)"moved";
	submit();
	next(IORING_OP_UNLINKAT, AT_FDCWD, "moved");
	submit();
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(9), .sin_addr = { htonl(0x7f000001) } };
	int socket_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	next(IORING_OP_CONNECT, socket_, &address)->off = sizeof address;
	submit();
	return 0;
}
