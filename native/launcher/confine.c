// SPDX-License-Identifier: Apache-2.0
// What a program is denied, and the init that a private pid namespace needs. A process in such a namespace can't have
// been there from the start, so two more processes stay: the caller's own, which the world knows by its pid and which
// passes signals in and the end of the program out, and the namespace's first, which adopts what is orphaned there.
#include "kernel.h"
#include "launch.h"
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

static int drop_capabilities(uint64_t keep) {
  for (int i = 0; i < 64; i++)
    if (!(keep >> i & 1) && prctl(PR_CAPBSET_DROP, i, 0, 0, 0) != 0 && errno != EINVAL) // EINVAL: the kernel has no such
      return -1;
  prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  struct k_cap_header header = {K_CAP_VERSION, 0};
  struct k_cap_data data[2];
  if (syscall(SYS_capget, &header, data) != 0)
    return -1;
  for (int i = 0; i < 2; i++) {
    uint32_t mask = (uint32_t)(keep >> (32 * i));
    data[i].effective &= mask;
    data[i].permitted &= mask;
    data[i].inheritable = 0;
  }
  return (int)syscall(SYS_capset, &header, data);
}

// Has execve close everything but 0, 1, 2 and the listed descriptors, which stand in ascending order.
static int close_others(const struct record *r) {
  unsigned first = 3;
  for (int i = 1; i < r->numbers; i++) {
    unsigned kept = (unsigned)rec_numbers(r)[i];
    if (kept < first)
      continue;
    if (close_between(first, kept - 1, true) != 0)
      return -1;
    first = kept + 1;
  }
  return close_between(first, ~0u, true);
}

// A failure to start the program is told all the same.
static int drop_output(const struct record *r) {
  cleanup_fd int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
  for (int i = 0; i < r->numbers && null >= 0; i++) {
    int fd = (int)rec_numbers(r)[i];
    if (fd == 2)
      report_fd = fcntl(2, F_DUPFD_CLOEXEC, 3);
    if (dup2(null, fd) < 0)
      return -1;
  }
  return null < 0 ? -1 : 0;
}

static int filter_calls(const struct record *r) {
  struct k_filter program = {r->numbers, rec_numbers(r)};
  return prctl(PR_SET_SECCOMP, K_SECCOMP_MODE_FILTER, &program, 0, 0);
}

int confine(const struct record *r, struct fail *f) {
  const uint64_t *n = rec_numbers(r);
  switch (r->operation) {
  case OP_LIMIT: {
    struct rlimit limit = {n[1], n[2]};
    return setrlimit((int)n[0], &limit) == 0 ? 0 : FAIL(f, r, "set a resource limit", "");
  }
  case OP_DESCRIPTORS:
    return close_others(r) == 0 ? 0 : FAIL(f, r, "close descriptors", "");
  case OP_DISCARD:
    return drop_output(r) == 0 ? 0 : FAIL(f, r, "open", "/dev/null");
  case OP_CAPABILITIES:
    return drop_capabilities(n[0]) == 0 ? 0 : FAIL(f, r, "drop capabilities", "");
  case OP_NO_NEW_PRIVS:
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 ? 0 : FAIL(f, r, "set no_new_privs", "");
  case OP_SECCOMP:
    return filter_calls(r) == 0 ? 0 : FAIL(f, r, "install a seccomp filter", "");
  default:
    return 0;
  }
}

void bring_loopback_up(void) {
  cleanup_fd int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
  if (s >= 0)
    (void)ioctl(s, SIOCSIFFLAGS, &request); // without it only loopback is missing
}

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
  pid_t child = fork();
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
  int child = fork_behind(false);
  if (child == 0)
    prctl(PR_SET_PDEATHSIG, SIGKILL);
  return child;
}

// The namespace's first process does not become the program: the kernel would spare it signals that it does not handle.
int become_init(void) { return ending ? fork_behind(true) : 0; }
