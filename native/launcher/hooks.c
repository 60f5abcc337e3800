// SPDX-License-Identifier: Apache-2.0
// Programs that are told of the container at the stages of its life (OCI runtime-spec, "POSIX-platform Hooks"). Stages in
// the container's namespaces are this process's. For the others there is an agent: a process that stays in the caller's
// namespaces, is asked over a socket while the container is built, sees the socket close when the program starts, and,
// where something is to be run after the program, outlives it.
#include "launch.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { WHY_MAX = 4400, STEP_MS = 50 };

static const char *const stages[HOOK_STAGES] = {"prestart",       "createRuntime", "createContainer",
                                                "startContainer", "poststart",     "poststop"};
static int agent = -1;  // the socket to it
static pid_t container; // as the caller's pid namespace knows it

static bool is_outside(const struct record *r) {
  uint64_t stage = rec_numbers(r)[0];
  return r->operation == OP_HOOK && stage != HOOK_CREATE_CONTAINER && stage != HOOK_START_CONTAINER;
}

// The state that a hook reads: the plan's text, with the process id where that has its mark.
static int open_state(const char *text) {
  int fd = memfd_create("state", MFD_CLOEXEC);
  while (fd >= 0) {
    size_t n = strcspn(text, PID_MARK);
    dprintf(fd, "%.*s", (int)n, text);
    if (!text[n])
      break;
    dprintf(fd, "%d", (int)container);
    text += n + 1;
  }
  return fd < 0 || lseek(fd, 0, SEEK_SET) != 0 ? -1 : fd;
}

// What it says goes to the caller's standard error, as it says it: standard output is the program's.
static _Noreturn void become_hook(const struct record *r, int state, pid_t parent) {
  int words = (int)rec_numbers(r)[2], variables = r->strings - HOOK_STRINGS - words;
  char **argv = calloc((size_t)words + 2, sizeof *argv), **own = calloc((size_t)variables + 1, sizeof *own);
  setsid();
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) // nobody would see to its end
    _exit(127);
  reset_signals();
  dup2(state, 0), dup2(2, 1);
  close_between(3, ~0u, false);
  if (!argv || !own)
    _exit(127);
  argv[0] = (char *)rec_string(r, 2);
  for (int i = 0; i < words; i++)
    argv[i] = (char *)rec_string(r, 3 + i);
  for (int i = 0; i < variables; i++)
    own[i] = (char *)rec_string(r, 3 + words + i);
  if (chdir(rec_string(r, 1)) == 0)
    execve(rec_string(r, 2), argv, own);
  complain("start the hook %s: %s", rec_string(r, 2), strerror(errno));
  _exit(127);
}

static int64_t now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

// Waits for a child until `end` (0: for ever); what is late is killed, with all of its session.
static bool wait_until(pid_t child, int64_t end, int *status) {
  cleanup_fd int pidfd = pidfd_of(child); // -1 before Linux 5.3
  while (waitpid(child, status, WNOHANG) == 0) {
    int64_t left = end ? end - now_ms() : INT32_MAX;
    if (left <= 0) {
      kill(-child, SIGKILL), kill(child, SIGKILL);
      waitpid(child, status, 0);
      return false;
    }
    struct pollfd ended = {.fd = pidfd, .events = POLLIN};
    poll(&ended, 1, pidfd < 0 ? STEP_MS : left > INT32_MAX ? INT32_MAX : (int)left);
  }
  return true;
}

// Runs a hook to its end. `why` says what went wrong, or is "".
static void run_hook(const struct record *r, char why[WHY_MAX]) {
  const uint64_t *n = rec_numbers(r);
  const char *stage = stages[n[0]], *program = rec_string(r, 2);
  void (*before)(int) = signal(SIGCHLD, SIG_DFL); // ignored, it would take the status away
  int status = 0;
  cleanup_fd int state = open_state(rec_string(r, 0));
  int64_t end = n[1] ? now_ms() + (int64_t)n[1] : 0;
  pid_t self = getpid(), child = state < 0 ? -1 : fork();
  if (child == 0)
    become_hook(r, state, self);
  why[0] = 0;
  if (child < 0)
    snprintf(why, WHY_MAX, "start the %s hook %s: %s", stage, program, strerror(errno));
  else if (!wait_until(child, end, &status))
    snprintf(why, WHY_MAX, "run the %s hook %s: it took longer than %g s", stage, program, (double)n[1] / 1000);
  else if (WIFSIGNALED(status))
    snprintf(why, WHY_MAX, "run the %s hook %s: it was ended by signal %d", stage, program, WTERMSIG(status));
  else if (WEXITSTATUS(status) != 0)
    snprintf(why, WHY_MAX, "run the %s hook %s: it ended with status %d", stage, program, WEXITSTATUS(status));
  signal(SIGCHLD, before);
}

// Hooks of the two last stages: what goes wrong there is said, and changes nothing any more.
static void run_all(const struct plan *plan, unsigned stage) {
  char why[WHY_MAX];
  for (const struct record *r = plan->first; r < plan->end; r = rec_next(r)) {
    if (r->operation != OP_HOOK || rec_numbers(r)[0] != stage)
      continue;
    run_hook(r, why);
    if (*why)
      complain("%s: %s\n  asked for by: %s", rec_string(plan->first, 0), why, rec_string(r, r->strings - 1));
  }
}

static _Noreturn void be_agent(const struct plan *plan, int socket, int pidfd) {
  const struct record *r = NULL;
  char why[WHY_MAX];
  stand_apart((int[]){socket, pidfd}, pidfd < 0 ? 1 : 2, false);
  static const int ignored[] = {SIGHUP, SIGINT, SIGTERM, SIGPIPE}; // a job's end must not leave its traces behind
  for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++)
    signal(ignored[i], SIG_IGN);
  ssize_t got;
  while ((got = recv(APART, &r, sizeof r, 0)) == sizeof r && r) {
    run_hook(r, why);
    if (send(APART, why, strlen(why) + 1, MSG_NOSIGNAL) < 0)
      break;
  }
  close(APART);
  if (got == 0)
    run_all(plan, HOOK_POSTSTART);
  struct pollfd ended = {.fd = APART + 1, .events = POLLIN};
  while (pidfd < 0 ? kill(container, 0) == 0 : poll(&ended, 1, -1) < 0)
    poll(NULL, 0, STEP_MS);
  run_all(plan, HOOK_POSTSTOP);
  _exit(0);
}

// Before anything is built: starts the agent, where the plan has anything for it.
int begin_hooks(const struct plan *plan, struct fail *f) {
  const struct record *r = plan->first;
  int pair[2];
  container = getpid();
  while (r < plan->end && !is_outside(r))
    r = rec_next(r);
  if (r == plan->end)
    return 0;
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
    return FAIL(f, r, "make a socket for hooks", "");
  cleanup_fd int pidfd = pidfd_of(container);
  int forked = fork_away();
  if (forked == 0)
    be_agent(plan, pair[1], pidfd);
  close(pair[1]);
  agent = pair[0];
  return forked < 0 ? FAIL(f, r, "start a process for hooks", "") : 0;
}

// The hook of a record whose stage has come.
int hook(const struct record *r, struct fail *f) {
  static char why[WHY_MAX];
  uint64_t stage = rec_numbers(r)[0];
  why[0] = 0;
  if (!is_outside(r))
    run_hook(r, why);
  else if (stage <= HOOK_CREATE_RUNTIME &&
           (send(agent, &r, sizeof r, MSG_NOSIGNAL) != sizeof r || recv(agent, why, sizeof why, 0) < 1))
    return FAIL(f, r, "have the hook run:", rec_string(r, 2));
  errno = 0;
  return *why ? FAIL(f, r, why, "") : 0;
}

// There will be no program.
void give_up_hooks(void) {
  const struct record *none = NULL;
  if (agent >= 0)
    (void)!send(agent, &none, sizeof none, MSG_NOSIGNAL);
}
