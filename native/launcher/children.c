// SPDX-License-Identifier: Apache-2.0
// Processes beside the one that becomes the program. What that finds as it starts is the caller's: no children that it
// never had, and SIGCHLD as it was. Meanwhile that can't be ignored, as some callers have it: no child's end would be told.
#include "launch.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static void (*callers)(int); // what the caller has SIGCHLD do

// A child to be awaited by wait_for; it has the caller's SIGCHLD again.
pid_t fork_child(void) {
  callers = signal(SIGCHLD, SIG_DFL);
  pid_t child = fork();
  int error = errno;
  if (child <= 0)
    signal(SIGCHLD, callers);
  errno = error;
  return child;
}

// How it ended, as waitpid says it.
int wait_for(pid_t child) {
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR)
    ;
  signal(SIGCHLD, callers);
  return status;
}

// A process that is nobody's child. 0 there, 1 here, or -1 with errno.
int fork_away(void) {
  pid_t between = fork_child();
  if (between == 0) {
    pid_t away = fork();
    if (away == 0)
      return 0;
    _exit(away < 0 ? errno : 0);
  }
  int status = between < 0 ? 0 : wait_for(between);
  if (WIFEXITED(status) && WEXITSTATUS(status) != 0)
    errno = WEXITSTATUS(status);
  return between < 0 || status != 0 ? -1 : 1;
}

// As by default, and none blocked.
void reset_signals(void) {
  sigset_t none;
  for (int i = 1; i < 32; i++)
    signal(i, SIG_DFL);
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
}

// Makes this process one of its own, with nothing of the caller's: a pipe that he waits to see closed would stay open.
// 0, 1 and, if it is silent, 2 are /dev/null; from APART on stand the descriptors in `kept` (-1: none).
void stand_apart(const int *kept, int count, bool is_silent) {
  setsid();
  reset_signals();
  int null = open("/dev/null", O_RDWR), high[APART_MAX];
  for (int i = 0; i < count; i++)
    high[i] = fcntl(kept[i], F_DUPFD, APART + APART_MAX); // where they stand may be another's place
  for (int fd = 0; fd < (is_silent ? 3 : 2); fd++)
    dup2(null, fd);
  for (int i = 0; i < count; i++)
    if (dup3(high[i], APART + i, O_CLOEXEC) < 0)
      close(APART + i);
  close_between(APART + (unsigned)count, ~0u, false);
}
