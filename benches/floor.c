// The floor: the least that a tracer which takes both stops of a call can do. What smtrace costs is measured against it.
//
// usage: floor NR CMD [ARG]...
// A filter returns RET_TRACE for call NR alone. Per call: wait, registers by PTRACE_GET_SYSCALL_INFO, 64 bytes of memory
// by pread on /proc/PID/mem, PTRACE_SYSCALL, wait, GET_SYSCALL_INFO, PTRACE_CONT. Nothing is written, one process only.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <signal.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void fail(const char *what) {
  perror(what);
  exit(125);
}

int main(int argc, char **argv) {
  if (argc < 3) return fprintf(stderr, "usage: floor NR CMD [ARG]...\n"), 2;
  int go[2];
  if (pipe2(go, O_CLOEXEC)) fail("pipe2");
  pid_t pid = fork();
  if (pid < 0) fail("fork");
  if (!pid) {
    char c;
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)atoi(argv[1]), 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {4, code};
    if (read(go[0], &c, 1) != 1) _exit(125);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program)) _exit(125);
    execvp(argv[2], argv + 2);
    _exit(127);
  }
  if (ptrace(PTRACE_SEIZE, pid, 0, PTRACE_O_EXITKILL | PTRACE_O_TRACESECCOMP | PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC)) fail("seize");
  char path[64], memory[64];
  int mem = -1, status;
  unsigned long calls = 0;
  if (write(go[1], "x", 1) != 1) fail("write");
  for (;;) {
    if (waitpid(pid, &status, __WALL) != pid) fail("waitpid");
    if (!WIFSTOPPED(status)) break;
    int event = status >> 16, signal = WSTOPSIG(status);
    long request = PTRACE_CONT, deliver = 0;
    struct __ptrace_syscall_info info;
    if (event == PTRACE_EVENT_SECCOMP) {
      ptrace(PTRACE_GET_SYSCALL_INFO, pid, (void *)sizeof info, &info);
      // A program's own memory is new after its exec; the stack pointer is good to read anywhere.
      if (mem >= 0 && pread(mem, memory, sizeof memory, (off_t)info.stack_pointer) < 0) memory[0] = 0;
      request = PTRACE_SYSCALL;
    } else if (event == PTRACE_EVENT_EXEC) {
      if (mem >= 0) close(mem);
      snprintf(path, sizeof path, "/proc/%d/mem", pid);
      mem = open(path, O_RDONLY | O_CLOEXEC);
    } else if (!event && signal == (SIGTRAP | 0x80)) {
      ptrace(PTRACE_GET_SYSCALL_INFO, pid, (void *)sizeof info, &info);
      calls++;
    } else if (!event) {
      deliver = signal;
    }
    ptrace(request, pid, 0, (void *)deliver);
  }
  if (getenv("FLOOR_COUNT")) fprintf(stderr, "%lu calls\n", calls);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
