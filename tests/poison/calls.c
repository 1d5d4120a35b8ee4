/* Makes the calls named on standard input, none of which is carried out: a filter of its own answers each with the error
   number in the first argument, 0 for success. A line is a call's number and its six words, in base 16.

   Lies at fixed addresses, each with nothing mapped behind it: a page of 0x5a, a page of zeros, and a page of pairs of an
   address (of the last 16 bytes of zeros) and the number 8. tests/poison.rs knows them. */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PAGE 4096
#define POISON 0x5a000000ul
#define ZEROS 0x5a100000ul
#define PAIRS 0x5a200000ul
/* The one call that is carried out, and what it ends with. */
#define LAST 77

static unsigned long calls[16384][7];

static void *page_at(unsigned long address, int byte)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE;
	void *page = mmap((void *)address, PAGE, PROT_READ | PROT_WRITE, flags, -1, 0);
	if (page != (void *)address)
		exit(1);
	return memset(page, byte, PAGE);
}

/* With bytes above the stack pointer that are known: a signal's return takes its mask from there. */
static void __attribute__((noinline)) make(unsigned long *call)
{
	char above[1024];
	memset(above, 0x5a, sizeof above);
	__asm__ volatile("" : : "r"(above) : "memory");
	syscall(call[0], call[1], call[2], call[3], call[4], call[5], call[6]);
}

int main(int argc, char **argv)
{
	size_t count = 0;
	static char line[256];
	while (count < sizeof calls / sizeof *calls && fgets(line, sizeof line, stdin)) {
		char *rest = line;
		for (int at = 0; at < 7; at++)
			calls[count][at] = strtoull(rest, &rest, 16);
		count++;
	}
	page_at(POISON, 0x5a);
	page_at(ZEROS, 0);
	unsigned long *pairs = page_at(PAIRS, 0);
	for (size_t at = 0; at < PAGE / sizeof *pairs; at += 2) {
		pairs[at] = ZEROS + PAGE - 16;
		pairs[at + 1] = 8;
	}
	unsigned error = argc > 1 ? atoi(argv[1]) : 38;
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, LAST, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
	};
	struct sock_fprog program = { sizeof code / sizeof *code, code };
	write(-1, "start", 5);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		exit(1);
	for (size_t at = 0; at < count; at++)
		make(calls[at]);
	for (;;)
		syscall(SYS_exit_group, LAST);
}
