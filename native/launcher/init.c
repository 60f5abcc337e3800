// SPDX-License-Identifier: Apache-2.0
// The init that a private pid namespace needs. A process in such a namespace can't have been there from the start, so two
// more processes stay: the caller's own, which the world knows by its pid and which passes signals in and the end of the
// program out, and the namespace's first, which adopts what is orphaned there.
#include "construct.h"
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

// How the program ended, as waitpid says it: the namespace's first process can't die of the signal that the program
// died of, and so tells the other this way. -1 until then.
static int *ending;

// Ends as the program did: by the same status, or the same signal.
static _Noreturn void end_as(int status) {
  if (WIFSIGNALED(status)) {
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none); // the program has left its core, if any
    signal(WTERMSIG(status), SIG_DFL);
    sigset_t one;
    sigemptyset(&one);
    sigaddset(&one, WTERMSIG(status));
    raise(WTERMSIG(status));
    sigprocmask(SIG_UNBLOCK, &one, NULL);
  }
  _exit(WEXITSTATUS(status));
}

// Waits for `child`, reaping others, and passes on what is sent to this process. What the terminal sends reaches the
// whole process group, the program too, and is not passed on (si_code says who sent it). Stopping is left to default.
static _Noreturn void stand_before(pid_t child, const sigset_t *passed, bool is_first) {
  close_between(3, ~0u, false); // through /proc the program could take what is open here
  for (;;) {
    siginfo_t info;
    int signal = sigwaitinfo(passed, &info);
    if (signal > 0 && signal != SIGCHLD && info.si_code <= 0)
      kill(child, signal);
    int status;
    for (pid_t pid; signal == SIGCHLD && (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
      if (pid != child)
        continue;
      if (!is_first)
        end_as(*ending >= 0 ? *ending : status);
      *ending = status;
      _exit(0);
    }
  }
}

// Forks; the child goes on with the caller's signal mask, the parent stands before it.
static int fork_behind(bool is_first) {
  sigset_t passed, before;
  sigfillset(&passed);
  static const int left[] = {SIGTSTP, SIGTTIN, SIGTTOU, SIGCONT, SIGSEGV, SIGBUS, SIGFPE, SIGILL};
  for (size_t i = 0; i < sizeof left / sizeof *left; i++)
    sigdelset(&passed, left[i]);
  sigprocmask(SIG_BLOCK, &passed, &before);
  pid_t child = fork_child();
  if (child > 0)
    stand_before(child, &passed, is_first);
  sigprocmask(SIG_SETMASK, &before, NULL);
  return child;
}

// After unshare(CLONE_NEWPID): the next child is the namespace's first process, and goes on as this one.
int enter_pid_namespace(void) {
  ending = mmap(NULL, sizeof *ending, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (ending == MAP_FAILED)
    return -1;
  *ending = -1;
  cleanup_fd int caller = pidfd_of(getpid());
  int child = fork_behind(false);
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    // Its parent may have been killed before that, and can't be seen from here by its pid.
    struct pollfd ended = {.fd = caller, .events = POLLIN};
    if (poll(&ended, 1, 0) > 0)
      _exit(STATUS_OWN);
  }
  return child;
}

// The namespace's first process does not become the program: the kernel would spare it signals that it does not handle.
int become_init(void) { return ending ? fork_behind(true) : 0; }
