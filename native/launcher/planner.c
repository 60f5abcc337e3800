// SPDX-License-Identifier: Apache-2.0
// Where a plan comes from: the user's private directory for plans, or Node, which one process starts while the others wait
// for its plan.
#include "launch.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

// A directory that only this user can have written: for plans, locks and the sockets of holders.
static int open_private(const char *path) {
  int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, fd = openat(AT_FDCWD, path, flags);
  // Of ranks that start at once one makes it.
  if (fd < 0 && errno == ENOENT && (mkdir(path, 0700) == 0 || errno == EEXIST))
    fd = openat(AT_FDCWD, path, flags);
  struct stat st;
  if (fd >= 0 && (fstat(fd, &st) != 0 || st.st_uid != geteuid() || (st.st_mode & 077))) {
    trace_say("%s is not private to this user", path);
    close(fd);
    return -1;
  }
  return fd;
}

// $XDG_RUNTIME_DIR where it is real (resource managers pass it on to nodes that lack it), else a place in memory
// that every node has.
int open_run_directory(char path[4096]) {
  const char *runtime = getenv("XDG_RUNTIME_DIR");
  int fd = -1;
  if (runtime && runtime[0] == '/' && snprintf(path, 4096, "%s/slipway", runtime) < 4096)
    fd = open_private(path);
  static const char *const fallbacks[] = {"/run/user/%u/slipway", "/dev/shm/slipway-%u", "/tmp/slipway-%u"};
  for (size_t i = 0; fd < 0 && i < sizeof fallbacks / sizeof *fallbacks; i++) {
    snprintf(path, 4096, fallbacks[i], geteuid());
    fd = open_private(path);
  }
  if (fd < 0)
    path[0] = 0;
  return fd;
}

// The directory above bin/, or above libexec/slipway/, where this program is.
static int find_installation(char prefix[4096]) {
  ssize_t n = readlink("/proc/self/exe", prefix, 4095);
  if (n < 0)
    return -1;
  prefix[n] = 0;
  for (int i = 0; i < 2; i++) {
    char *slash = strrchr(prefix, '/');
    if (slash)
      *slash = 0;
  }
  char *slash = strrchr(prefix, '/');
  if (slash && strcmp(slash, "/libexec") == 0)
    *slash = 0;
  return 0;
}

// Starts Node in this process, to plan into `plan_fd`, or, where that is -1, to do itself what is asked for. argv: node,
// [--v8-pool-size=0], program, --launcher=, --run-dir=, [--plan-fd=], --, face, argument...
static _Noreturn void start_node(const char *run_dir, int plan_fd, const char *face, int argc, char **argv) {
  static char prefix[4096], node[4200], program[4200], launcher[4200], run[4200], plan[32];
  if (find_installation(prefix) != 0) {
    complain("%s: read /proc/self/exe: %s\n  hint: mount /proc, which every program here needs", face, strerror(errno));
    _exit(STATUS_OWN);
  }
  snprintf(launcher, sizeof launcher, "--launcher=%s/bin/slipway", prefix);
  snprintf(node, sizeof node, "%s/libexec/slipway/node", prefix);
  snprintf(program, sizeof program, "%s/lib/slipway/%s", prefix, plan_fd >= 0 ? "planner.cjs" : "main.mjs");
  snprintf(run, sizeof run, "--run-dir=%s", run_dir);
  snprintf(plan, sizeof plan, "--plan-fd=%d", plan_fd);
  char **words = calloc((size_t)argc + 9, sizeof *words);
  if (!words)
    _exit(STATUS_OWN);
  int w = 0;
  words[w++] = node;
  // A plan is made sooner than threads for its compilation are of use.
  if (plan_fd >= 0)
    words[w++] = "--v8-pool-size=0";
  words[w++] = program;
  words[w++] = launcher;
  words[w++] = run;
  if (plan_fd >= 0)
    words[w++] = plan;
  words[w++] = "--";
  words[w++] = (char *)face;
  for (int i = 1; i < argc; i++)
    words[w++] = argv[i];
  // Made for the user's own Node programs: ours must not load their modules, fail on their options, or trust whom they
  // trust (NODE_TLS_REJECT_UNAUTHORIZED).
  char **to = environ;
  for (char **from = environ; *from; from++)
    if (strncmp(*from, "NODE_", 5) != 0)
      *to++ = *from;
  *to = NULL;
  execve(node, words, environ);
  complain("%s: start %s: %s\n  hint: the installation is incomplete; install Slipway again", face, node, strerror(errno));
  _exit(STATUS_OWN);
}

// Has a plan made by a child, and leaves it in *plan. On failure ends as the child did, which has said why.
static void have_planned(const char *run_dir, const char *face, int argc, char **argv, struct plan *plan) {
  int fd = memfd_create("slipway-plan", 0);
  pid_t self = getpid();
  if (fd < 0) {
    complain("%s: make room for a plan: %s", face, strerror(errno));
    _exit(STATUS_OWN);
  }
  pid_t child = fork_child();
  if (child == 0) {
    // The planner is of no use without the one who waits for it.
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != self)
      _exit(STATUS_OWN);
    start_node(run_dir, fd, face, argc, argv);
  }
  if (child < 0) {
    complain("%s: start the planner: %s", face, strerror(errno));
    _exit(STATUS_OWN);
  }
  int status = wait_for(child);
  if (WIFSIGNALED(status)) {
    signal(WTERMSIG(status), SIG_DFL);
    raise(WTERMSIG(status));
  }
  struct stat st;
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0 || fstat(fd, &st) != 0 || st.st_size == 0)
    _exit(WIFEXITED(status) ? WEXITSTATUS(status) : STATUS_OWN); // --help, or a failure that the planner told
  const char *why;
  if (plan_read(fd, plan, &why) != 0 || !plan_covers(plan, face, argc, argv)) {
    complain("%s: read the plan that was just made: %s\n  hint: launcher and planner are of different versions; install "
             "Slipway again",
             face, why ? why : "it is for other arguments");
    _exit(STATUS_OWN);
  }
  close(fd);
}

// Never returns: what is asked for ends in no plan.
void become_node(const char *face, int argc, char **argv) {
  static char run_dir[4096];
  (void)open_run_directory(run_dir);
  start_node(run_dir, -1, face, argc, argv);
}

// The plan for these arguments: one that is kept and still holds, or a new one. The directory for plans, or -1: there is
// none, and what needs it fails by itself.
int obtain_plan(const char *face, int argc, char **argv, struct plan *plan) {
  static char run_dir[4096];
  int dir = open_run_directory(run_dir);
  if (dir >= 0 && plan_find(dir, face, argc, argv, plan) == 0)
    return dir;
  char name[32];
  snprintf(name, sizeof name, "k-%016llx", (unsigned long long)plan_lock_key(face, argc, argv));
  cleanup_fd int lock = dir < 0 ? -1 : openat(dir, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  // One plans, the others wait here and then find what it made.
  if (lock < 0 || flock(lock, LOCK_EX) != 0 || plan_find(dir, face, argc, argv, plan) != 0) {
    trace_say("no plan holds; planning");
    have_planned(run_dir, face, argc, argv, plan);
  }
  return dir;
}
