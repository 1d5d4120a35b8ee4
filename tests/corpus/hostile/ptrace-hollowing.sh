# incident: a process is started, emptied and filled with something else
# finding: process-injected
# needs: gcc
cat > hollow.c <<'C'
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>
int main(void) {
    pid_t child = fork();
    if (child == 0) { ptrace(PTRACE_TRACEME, 0, 0, 0); execl("/bin/true", "true", (char *)0); _exit(1); }
    struct user_regs_struct regs; int status;
    waitpid(child, &status, 0);
    if (ptrace(PTRACE_GETREGS, child, 0, &regs) == 0) ptrace(PTRACE_POKETEXT, child, (void *)regs.rip, ptrace(PTRACE_PEEKTEXT, child, (void *)regs.rip, 0));
    else ptrace(PTRACE_POKETEXT, child, (void *)0x400000, 0L);
    ptrace(PTRACE_DETACH, child, 0, 0);
    waitpid(child, &status, 0);
    return 0;
}
C
gcc -o hollow hollow.c && timeout 60 ./hollow
