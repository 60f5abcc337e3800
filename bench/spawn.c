// SPDX-License-Identifier: Apache-2.0
// Starts commands in turns, each time in another order, and says what each start cost. Measured here and not in a script, whose own noise is larger
// than what is measured.
//
//   spawn [--runs N] [--warmup N] [--at-once N] [--orphans 1] [--clear DIR] --next COMMAND... [--next COMMAND...]...
//
// Prints a line a run: which command (from 0), nanoseconds from before its start until all its copies had ended,
// processor microseconds of them, the largest resident kilobytes of one copy, how many copies failed. With --orphans,
// servers that they leave behind are waited for, and their processor time counts. stdin and stdout are /dev/null.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

enum { COMMANDS_MAX = 16, COPIES_MAX = 1024 };

static _Noreturn void die(const char *what) {
  fprintf(stderr, "spawn: %s: %s\n", what, strerror(errno));
  exit(2);
}

static long long now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000ll + t.tv_nsec;
}

// Forgets the plans in a directory, so that the next launch is the first.
static void clear_plans(const char *directory) {
  DIR *dir = opendir(directory);
  if (!dir)
    return;
  for (struct dirent *e; (e = readdir(dir));)
    if ((e->d_name[0] == 'p' || e->d_name[0] == 'x') && e->d_name[1] == '-')
      unlinkat(dirfd(dir), e->d_name, 0);
  closedir(dir);
}

static void measure(int which, char **argv, int copies, bool with_orphans, bool is_shown) {
  static pid_t pids[COPIES_MAX];
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
  long long begun = now_ns(), ended = begun, cpu_us = 0, largest_kb = 0;
  int failed = 0, running = copies;
  for (int i = 0; i < copies; i++) {
    errno = posix_spawnp(&pids[i], argv[0], &actions, NULL, argv, environ);
    if (errno)
      die(argv[0]);
  }
  while (running > 0 || with_orphans) {
    int status;
    struct rusage used;
    pid_t pid = wait4(-1, &status, 0, &used);
    if (pid < 0 && errno == EINTR)
      continue;
    if (pid < 0)
      break; // ECHILD: nobody is left
    cpu_us += (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000ll + used.ru_utime.tv_usec + used.ru_stime.tv_usec;
    for (int i = 0; i < copies; i++)
      if (pids[i] == pid) {
        largest_kb = used.ru_maxrss > largest_kb ? used.ru_maxrss : largest_kb;
        failed += !WIFEXITED(status) || WEXITSTATUS(status) != 0;
        if (--running == 0)
          ended = now_ns();
      }
  }
  posix_spawn_file_actions_destroy(&actions);
  if (is_shown)
    printf("%d %lld %lld %lld %d\n", which, ended - begun, cpu_us, largest_kb, failed);
}

int main(int argc, char **argv) {
  int runs = 100, warmup = 3, copies = 1, commands = 0, i = 1;
  bool with_orphans = false;
  const char *clear = NULL;
  char **command[COMMANDS_MAX];
  for (; i + 1 < argc && strcmp(argv[i], "--next") != 0; i += 2) {
    if (strcmp(argv[i], "--runs") == 0)
      runs = atoi(argv[i + 1]);
    else if (strcmp(argv[i], "--warmup") == 0)
      warmup = atoi(argv[i + 1]);
    else if (strcmp(argv[i], "--at-once") == 0)
      copies = atoi(argv[i + 1]);
    else if (strcmp(argv[i], "--orphans") == 0)
      with_orphans = atoi(argv[i + 1]) != 0;
    else if (strcmp(argv[i], "--clear") == 0)
      clear = argv[i + 1];
    else
      break;
  }
  for (; i < argc; i++)
    if (strcmp(argv[i], "--next") == 0) {
      argv[i] = NULL; // ends the command before
      if (i + 1 < argc && commands < COMMANDS_MAX)
        command[commands++] = argv + i + 1;
    } else if (commands == 0)
      break;
  if (commands == 0 || i < argc || copies < 1 || copies > COPIES_MAX) {
    fputs("usage: spawn [--runs N] [--warmup N] [--at-once N] [--orphans 1] [--clear DIR] --next COMMAND...\n", stderr);
    return 2;
  }
  if (with_orphans && prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0)
    die("become a subreaper");
  int order[COMMANDS_MAX];
  for (int c = 0; c < commands; c++)
    order[c] = c;
  for (int run = -warmup; run < runs; run++)
    for (int turn = 0; turn < commands; turn++) {
      // What one leaves in caches and queues must not always fall to the same next one.
      int other = turn + rand() % (commands - turn), c = order[other];
      order[other] = order[turn];
      order[turn] = c;
      if (clear)
        clear_plans(clear);
      measure(c, command[c], copies, with_orphans, run >= 0);
    }
  return 0;
}
