// A hot loop of one call, timed from within: prints the nanoseconds per call.
//
// usage: hot N NR [WORKER]...     each WORKER is a CPU that a spinning child keeps busy meanwhile
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long long now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

int main(int argc, char **argv) {
  if (argc < 3) return fprintf(stderr, "usage: hot N NR [CPU]...\n"), 2;
  long n = atol(argv[1]), nr = atol(argv[2]);
  pid_t busy[16];
  int count = 0;
  for (int i = 3; i < argc && count < 16; i++) {
    pid_t pid = fork();
    if (!pid) {
      cpu_set_t set;
      CPU_ZERO(&set);
      CPU_SET(atoi(argv[i]), &set);
      sched_setaffinity(0, sizeof set, &set);
      for (volatile unsigned long x = 0;; x++) {}
    }
    busy[count++] = pid;
  }
  // The first calls are slower everywhere: a tracer opens files, the scheduler finds a place.
  for (long i = 0; i < n / 20 + 10; i++) syscall(nr);
  long long start = now();
  for (long i = 0; i < n; i++) syscall(nr);
  long long end = now();
  while (count) {
    kill(busy[--count], SIGKILL);
    waitpid(busy[count], 0, 0);
  }
  printf("%.1f\n", (double)(end - start) / (double)n);
  return 0;
}
