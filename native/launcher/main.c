// SPDX-License-Identifier: Apache-2.0
// Every command that starts programs in containers is this program, by its name. It looks for a plan by its arguments,
// has one made where there is none that still holds, and carries it out.
#include "launch.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { STATUS_OWN = 125, STATUS_HOOK = 1 };

// Commands that end in a program of the container and so have plans; all others are Node's own business.
// src/planner.ts has the same names.
static const struct {
  const char *face, *verb;
  bool options_first; // options may stand before the verb; none takes a word of its own
} planned[] = {
    {"slipway", "run", false},
    {"shifter", NULL, false},
    {"setupRoot", NULL, false},
    {"mount_hook", NULL, false},
    {"sarus", "run", true},
    {"ch-run", NULL, false},
};

// Run by root on behalf of jobs: nothing that a job's owner chose may reach them, or what they start.
static const char *const roots_own[] = {"setupRoot", "unsetupRoot"};

static void be_fresh(const char *face) {
  static char *fresh[] = {"PATH=/usr/bin:/usr/sbin:/bin:/sbin", NULL};
  for (size_t i = 0; i < sizeof roots_own / sizeof *roots_own; i++)
    if (geteuid() == 0 && strcmp(face, roots_own[i]) == 0) {
      environ = fresh;
      (void)!chdir("/");
      umask(022);
    }
}

// Hooks of OCI runtimes, and the variables that each of them knows.
static const struct {
  const char *face, *variables[8];
} hooks[] = {
    {"mount_hook", {"LDCONFIG_PATH"}},
};

// A hook runs as root, outside the container, with the environment and descriptors that the runtime had. Where its
// configuration says nothing of an environment, runc gives it the one that the image asked for: nothing of that may come
// near Node. Standard input is kept in memory, for the planner and for ROOT_BUNDLE to read.
static void become_hook(const char *const variables[8]) {
  static char *kept[9];
  static char text[1 << 16];
  size_t count = 0;
  for (size_t i = 0; i < 8 && variables[i]; i++)
    for (char **e = environ; *e; e++)
      if (strncmp(*e, variables[i], strlen(variables[i])) == 0 && (*e)[strlen(variables[i])] == '=') {
        kept[count++] = *e;
        break;
      }
  environ = kept;
  close_between(3, ~0u, false);
  int state = memfd_create("state", MFD_CLOEXEC);
  size_t total = 0;
  for (ssize_t n; state >= 0 && (n = read(0, text, sizeof text)) != 0;) {
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0 || (total += (size_t)n) >= STATE_MAX || write(state, text, (size_t)n) != n)
      break; // what is cut short is no state
  }
  if (state < 0 || lseek(state, 0, SEEK_SET) != 0 || dup2(state, 0) != 0 || chdir("/") != 0)
    _exit(STATUS_HOOK);
  close(state);
}

static bool has_plans(const char *face, int argc, char **argv) {
  for (size_t i = 0; i < sizeof planned / sizeof *planned; i++) {
    if (strcmp(face, planned[i].face) != 0)
      continue;
    int at = 1;
    while (planned[i].options_first && at < argc && argv[at][0] == '-')
      at++;
    return !planned[i].verb || (at < argc && strcmp(argv[at], planned[i].verb) == 0);
  }
  return false;
}

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
static int open_run_directory(char path[4096]) {
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

// Starts the planner in this process. argv: node, program, --launcher=, --run-dir=, [--plan-fd=], --, face, argument...
static _Noreturn void become_planner(const char *run_dir, int plan_fd, const char *face, int argc, char **argv) {
  static char exe[4096], node[4200], program[4200], launcher[4200], run[4200], plan[32];
  ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
  if (n < 0) {
    complain("%s: read /proc/self/exe: %s\n  hint: mount /proc, which every program here needs", face, strerror(errno));
    _exit(STATUS_OWN);
  }
  exe[n] = 0;
  snprintf(launcher, sizeof launcher, "--launcher=%s", exe);
  for (int i = 0; i < 2; i++) {
    char *slash = strrchr(exe, '/');
    if (slash)
      *slash = 0;
  }
  snprintf(node, sizeof node, "%s/libexec/slipway/node", exe);
  snprintf(program, sizeof program, "%s/lib/slipway/%s", exe, plan_fd >= 0 ? "planner.cjs" : "main.mjs");
  snprintf(run, sizeof run, "--run-dir=%s", run_dir);
  snprintf(plan, sizeof plan, "--plan-fd=%d", plan_fd);
  char **words = calloc((size_t)argc + 8, sizeof *words);
  if (!words)
    _exit(STATUS_OWN);
  int w = 0;
  words[w++] = node;
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
  pid_t child = fork();
  if (child == 0) {
    // The planner is of no use without the one who waits for it.
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != self)
      _exit(STATUS_OWN);
    become_planner(run_dir, fd, face, argc, argv);
  }
  int status = 0;
  while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
    ;
  if (child < 0) {
    complain("%s: start the planner: %s", face, strerror(errno));
    _exit(STATUS_OWN);
  }
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

int main(int argc, char **argv) {
  static char run_dir[4096], cwd[4096];
  if (argc < 1)
    return STATUS_OWN;
  const char *slash = strrchr(argv[0], '/'), *face = slash ? slash + 1 : argv[0];
  for (size_t i = 0; i < sizeof hooks / sizeof *hooks; i++)
    if (strcmp(face, hooks[i].face) == 0)
      become_hook(hooks[i].variables);
  tracing = getenv("SLIPWAY_TRACE") != NULL;
  // Whoever owns the file would lend his identity to a program that was written for the caller's alone.
  if (getauxval(AT_SECURE) || geteuid() != getuid() || getegid() != getgid()) {
    complain("%s: refuse to run set-user-id, set-group-id or with file capabilities\n  hint: Slipway needs no privilege; "
             "chmod u-s,g-s and setcap -r this file",
             face);
    return STATUS_OWN;
  }
  be_fresh(face);
  if (!getcwd(cwd, sizeof cwd) || cwd[0] != '/')
    cwd[0] = 0;
  struct plan plan;
  int wrapped = wrapper_plan(&plan, argv[0], cwd);
  if (wrapped < 0)
    return STATUS_OWN;
  int dir = open_run_directory(run_dir);
  if (!wrapped && !has_plans(face, argc, argv))
    become_planner(run_dir, -1, face, argc, argv);

  if (!wrapped && (dir < 0 || plan_find(dir, face, argc, argv, &plan) != 0)) {
    char name[32];
    snprintf(name, sizeof name, "k-%016llx", (unsigned long long)plan_lock_key(face, argc, argv));
    int lock = dir < 0 ? -1 : openat(dir, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    // One plans, the others wait here and then find what it made.
    if (lock < 0 || flock(lock, LOCK_EX) != 0 || plan_find(dir, face, argc, argv, &plan) != 0) {
      trace_say("no plan holds; planning");
      have_planned(run_dir, face, argc, argv, &plan);
    }
    if (lock >= 0)
      close(lock);
  }

  struct fail f = {0};
  cleanup_fd int here = openat(AT_FDCWD, ".", O_PATH | O_CLOEXEC); // held namespaces may lack the way to it
  const struct record *from = plan.first;
  int status = begin_hooks(&plan, &f);
  if (status == 0 && is_held(&plan)) {
    status = hold_and_join(&plan, dir, &f);
    while (from->operation != OP_HELD)
      from = rec_next(from);
  }
  if (status == 0)
    status = build(from, plan.end, &f);
  if (status == 0) {
    if (dir >= 0)
      close(dir);
    if (become_program(&plan, argv + plan.covered, cwd, here, &f) == 0)
      return 0;
  }
  give_up_hooks();
  report(&plan, &f);
  // Whose server has died is no fault of the command.
  if (f.record && f.record->operation >= OP_EXEC && f.error && f.error != ENOTCONN && f.error != ECONNABORTED)
    return f.error == ENOENT || f.error == ENOTDIR ? plan.header->status_not_found : plan.header->status_not_executable;
  return plan.header->status_own;
}
