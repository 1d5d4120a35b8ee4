/* Comes back from handlers of both sorts, with masks whose signals lie in both halves. */
#define _GNU_SOURCE
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static void handler(int signal)
{
	(void)signal;
}

static void block(int first, int second)
{
	sigset_t mask;
	sigemptyset(&mask);
	if (first)
		sigaddset(&mask, first);
	if (second)
		sigaddset(&mask, second);
	sigprocmask(SIG_SETMASK, &mask, NULL);
}

int main(void)
{
	const int masks[][2] = { { 0, 0 }, { SIGUSR2, 0 }, { SIGTERM, SIGRTMIN + 3 }, { SIGRTMAX, SIGHUP } };
	for (int flags = 0; flags <= SA_SIGINFO; flags += SA_SIGINFO) {
		struct sigaction action;
		memset(&action, 0, sizeof action);
		action.sa_handler = handler;
		action.sa_flags = flags;
		sigaction(SIGUSR1, &action, NULL);
		for (size_t at = 0; at < sizeof masks / sizeof *masks; at++) {
			block(masks[at][0], masks[at][1]);
			syscall(SYS_kill, getpid(), SIGUSR1);
		}
	}
	/* The frame holds what the interrupted call returns: the program gets -EINTR as the result of its return. */
	block(SIGUSR1, SIGUSR2);
	syscall(SYS_kill, getpid(), SIGUSR1);
	sigset_t none;
	sigemptyset(&none);
	sigsuspend(&none);
	return 0;
}
