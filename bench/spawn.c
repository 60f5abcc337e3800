// SPDX-License-Identifier: Apache-2.0
// Times starting commands, from posix_spawn to the end that wait4 sees. Small and linked like what it measures, so that
// its own share is the same few microseconds for all.
//   spawn RUNS [-- COMMAND...]...      each command in turn, RUNS times round (A B A B …)
//   spawn -t COUNT [-- COMMAND...]...  COUNT of each command at once, one command after another
// One line of JSON for each command: micro-seconds of wall time (median, 90th percentile, least), of processor time in
// all, the largest resident size of one process in KiB, and how many ended otherwise than with 0.
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

enum { COMMANDS = 16 };

struct cost {
  double *wall;
  double cpu;
  long max_rss;
  int bad;
};

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int by_size(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static pid_t start(char **argv) {
  pid_t pid;
  int error = posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ);
  if (error) {
    fprintf(stderr, "spawn: start %s: %s\n", argv[0], strerror(error));
    exit(1);
  }
  return pid;
}

static void finish(pid_t pid, struct cost *cost) {
  int status;
  struct rusage usage;
  if (wait4(pid, &status, 0, &usage) < 0)
    exit(1);
  cost->bad += status != 0;
  cost->cpu += (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
               (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
  if (usage.ru_maxrss > cost->max_rss)
    cost->max_rss = usage.ru_maxrss;
}

int main(int argc, char **argv) {
  int at = 1, together = argc > 2 && strcmp(argv[1], "-t") == 0;
  at += together;
  int runs = argc > at ? atoi(argv[at++]) : 0, commands = 0;
  char **command[COMMANDS];
  for (int i = at; i < argc; i++)
    if (strcmp(argv[i], "--") == 0 && i + 1 < argc && strcmp(argv[i + 1], "command") == 0) {
      argv[i] = NULL;
      if (commands == COMMANDS)
        return 2;
      command[commands++] = argv + ++i + 1;
    }
  if (runs < 1 || commands == 0) {
    fputs("usage: spawn [-t] RUNS [-- command COMMAND ARG...]...\n", stderr);
    return 2;
  }
  struct cost costs[COMMANDS] = {{0}};
  for (int c = 0; c < commands; c++)
    costs[c].wall = calloc((size_t)runs, sizeof(double));
  if (together) {
    pid_t *pids = calloc((size_t)runs, sizeof *pids);
    for (int c = 0; c < commands && pids; c++) {
      double begun = now();
      for (int i = 0; i < runs; i++)
        pids[i] = start(command[c]);
      for (int i = 0; i < runs; i++)
        finish(pids[i], &costs[c]);
      for (int i = 0; i < runs; i++)
        costs[c].wall[i] = now() - begun;
    }
  } else
    for (int i = 0; i < runs; i++)
      for (int c = 0; c < commands; c++) {
        double begun = now();
        finish(start(command[c]), &costs[c]);
        costs[c].wall[i] = now() - begun;
      }
  for (int c = 0; c < commands; c++) {
    double *wall = costs[c].wall;
    qsort(wall, (size_t)runs, sizeof *wall, by_size);
    printf("{\"median\":%.1f,\"p90\":%.1f,\"least\":%.1f,\"cpu\":%.0f,\"maxRssKib\":%ld,\"bad\":%d}\n", wall[runs / 2],
           wall[runs * 9 / 10], wall[0], costs[c].cpu, costs[c].max_rss, costs[c].bad);
  }
  return 0;
}
