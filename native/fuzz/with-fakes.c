// SPDX-License-Identifier: Apache-2.0
// Those parts of the launcher that look at the machine, on one that exists only in the plan: a file that the trace names
// is there, mostly, as the trace says; what is written goes nowhere; nothing can be executed.
#include "fuzz.h"
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const struct plan *fake_plan;
const char *fake_venv = "";
static char **expected; // the environment that execve must be given

static unsigned hash_of(const char *text) { return (unsigned)(fnv(FNV_SEED, text, strlen(text)) >> 40); }

static struct timespec time_of(uint64_t ns) {
  return (struct timespec){.tv_sec = (time_t)(ns / 1000000000), .tv_nsec = (long)(ns % 1000000000)};
}

static int fake_fstatat(int dir, const char *path, struct stat *st, int flags) {
  (void)dir, (void)flags;
  for (const struct record *r = fake_plan->first; r < fake_plan->end; r = rec_next(r)) {
    if (r->operation < OP_HAVE_FILE || r->operation > OP_HAVE_KIND || strcmp(rec_string(r, 0), path) != 0)
      continue;
    const uint64_t *n = rec_numbers(r);
    *st = r->operation == OP_HAVE_KIND ? (struct stat){.st_mode = (mode_t)n[0]}
                                       : (struct stat){.st_dev = n[0],
                                                       .st_ino = n[1],
                                                       .st_mode = (mode_t)n[2],
                                                       .st_size = (off_t)n[3],
                                                       .st_mtim = time_of(n[4]),
                                                       .st_ctim = time_of(n[5])};
    if (hash_of(path) % 8 != 0)
      return 0;
  }
  errno = hash_of(path) % 2 ? ENOENT : EACCES;
  return -1;
}

static int fake_stat(const char *path, struct stat *st) { return fake_fstatat(AT_FDCWD, path, st, 0); }

static const struct record *identity(void) {
  for (const struct record *r = fake_plan->first; r < fake_plan->end; r = rec_next(r))
    if (r->operation == OP_IDENTITY)
      return r;
  return NULL;
}
static uid_t fake_geteuid(void) { return identity() ? (uid_t)rec_numbers(identity())[0] : 1000; }
static gid_t fake_getegid(void) { return identity() ? (gid_t)rec_numbers(identity())[1] : 1000; }
static int fake_getgroups(int size, gid_t *groups) {
  const struct record *r = identity();
  int count = r ? r->numbers - 2 : 0;
  REQUIRE(count <= size);
  for (int i = 0; i < count; i++)
    groups[i] = (gid_t)rec_numbers(r)[2 + i];
  return count;
}

static char *fake_getcwd(char *buffer, size_t size) {
  for (const struct record *r = fake_plan->first; r < fake_plan->end; r = rec_next(r))
    if (r->operation == OP_HAVE_CWD && strlen(rec_string(r, 0)) < size)
      return strcpy(buffer, rec_string(r, 0));
  return strcpy(buffer, "/");
}

static int fake_clock_gettime(clockid_t clock, struct timespec *now) {
  (void)clock;
  *now = time_of(fake_plan->header->created_ns + fake_plan->header->max_age_ns / 2);
  return 0;
}

static int fake_chdir(const char *path) {
  errno = ENOENT;
  return hash_of(path) % 4 == 0 ? -1 : 0;
}
static mode_t fake_umask(mode_t mask) { return mask; }
static int fake_confine(const struct record *r, struct fail *f) { return (void)r, (void)f, 0; }

static int fake_hook(const struct record *r, struct fail *f) { return (void)r, (void)f, 0; }

static int fake_become_init(void) { return 0; }

static int fake_execve(const char *path, char *const argv[], char *const envp[]) {
  for (size_t i = 0; argv[i]; i++)
    (void)!strlen(argv[i]);
  size_t i = 0;
  for (; envp[i] && expected[i]; i++)
    REQUIRE(strcmp(envp[i], expected[i]) == 0);
  REQUIRE(!envp[i] && !expected[i]);
  static const int errors[] = {ENOENT, ENOTDIR, EACCES, ENOEXEC};
  errno = errors[hash_of(path) % 4];
  return -1;
}

static int fake_openat(int dir, const char *path, int flags, ...) {
  (void)dir, (void)flags;
  errno = ENOENT;
  return hash_of(path) % 3 == 0 ? -1 : 1000;
}
static int fake_open(const char *path, int flags, ...) { return fake_openat(AT_FDCWD, path, flags); }
static ssize_t fake_read(int fd, void *buffer, size_t n) {
  static const char script[4] = "echo";
  REQUIRE(fd == 1000);
  memcpy(buffer, script, n < sizeof script ? n : sizeof script);
  return (ssize_t)(n < sizeof script ? n : sizeof script);
}
static int fake_close(int fd) { return fd == 1000 ? 0 : -1; }

// A message is whole lines of at most 8,192 bytes, and can't drive a terminal.
static ssize_t fake_write(int fd, const void *bytes, size_t n) {
  const unsigned char *p = bytes;
  REQUIRE(fd == 2 && n > 0 && n <= 8192 && p[n - 1] == '\n');
  for (size_t i = 0; i < n; i++)
    REQUIRE((p[i] >= ' ' && p[i] != 0x7f && !(p[i] == 0xc2 && p[i + 1] >= 0x80 && p[i + 1] < 0xa0)) || p[i] == '\n');
  return (ssize_t)n;
}

// The launcher frees nothing, since it is soon another program; a fuzzer lives on.
static void *kept[4096];
static size_t kept_count;
static void *keep(void *memory) {
  REQUIRE(kept_count < sizeof kept / sizeof *kept);
  return kept[kept_count++] = memory;
}
static void *fake_malloc(size_t n) { return keep(malloc(n)); }
static void *fake_calloc(size_t n, size_t size) { return keep(calloc(n, size)); }
static char *fake_strdup(const char *text) { return keep(strdup(text)); }
static int fake_asprintf(char **to, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  int n = vasprintf(to, format, arguments);
  va_end(arguments);
  REQUIRE(n >= 0);
  keep(*to);
  return n;
}

#define asprintf fake_asprintf
#define become_init fake_become_init
#define calloc fake_calloc
#define chdir fake_chdir
#define clock_gettime fake_clock_gettime
#define close fake_close
#define confine fake_confine
#define execve fake_execve
#define fchdir(fd) fake_chdir("here")
#define free(memory) (void)(memory)
#define fstatat fake_fstatat
#define getcwd fake_getcwd
#define getegid fake_getegid
#define geteuid fake_geteuid
#define getgroups fake_getgroups
#define hook fake_hook
#define malloc fake_malloc
#define open fake_open
#define openat fake_openat
#define read fake_read
#define stat(path, st) fake_stat(path, st)
#define strdup fake_strdup
#define umask fake_umask
#define write fake_write
#include "../launcher/environment.c"
#include "../launcher/fail.c"
#include "../launcher/program.c"
#include "../launcher/trace.c"
#undef stat
#undef fchdir
#include "../launcher/join.c"
#undef asprintf
#undef calloc
#undef free
#undef malloc
#undef strdup
#include "../wrapper/wrapper.c"

// Of what join.c needs, nothing may be reached by naming a holder.
int peer_pidfd(int socket, pid_t *pid) { abort(); }
int join_namespaces(int pidfd, pid_t pid, int flags) { abort(); }
int fork_away(void) { abort(); }
_Noreturn void become_holder(const struct plan *plan, int dir, const char *name, int report_to) { abort(); }

// What the trace says of the environment, so that plans can hold, and more: a variable twice, one without a name, one
// without a value, and a word that is no variable.
char **fake_caller_environment(const struct plan *plan) {
  static const char *const always[] = {"PATH=/bin::/usr/bin", "HOME=/home/u", "A=1", "AB=", "A=2", "=x", "word", ""};
  enum { ALWAYS = sizeof always / sizeof *always };
  size_t n = 0;
  char **environment = calloc(ALWAYS + RECORDS_MAX + 1, sizeof *environment);
  REQUIRE(environment);
  for (const struct record *r = plan->first; r < plan->end && n < RECORDS_MAX; r = rec_next(r))
    if (r->operation == OP_HAVE_ENV)
      REQUIRE(asprintf(&environment[n++], "%s=%s", rec_string(r, 0), rec_string(r, 1)) >= 0);
  for (int i = 0; i < ALWAYS; i++)
    environment[n++] = strdup(always[i]);
  return environment;
}

void fake_free_caller_environment(char **environment) {
  for (char **e = environment; *e; e++)
    free(*e);
  free(environment);
}

// All that a launch does with a plan, but for what it asks of the kernel.
void fake_launch(const struct plan *plan, char **caller, char **rest) {
  char **own = environ;
  environ = caller;
  fake_plan = plan;
  tracing = true;
  (void)trace_holds(plan);
  if (plan->hold) {
    char name[NAME_SIZE];
    holder_name(plan->hold, name);
    REQUIRE(strlen(name) < sizeof name - 1);
  }
  struct plan placed = *plan;
  if (!put_in_place(&placed, "/home/u/env")) // what it gives is a plan, and as long in records
    REQUIRE(placed.header->records == plan->header->records && placed.covered == plan->covered);
  strcpy(wrapper_name, "python");
  fake_venv = plan->header->records % 2 ? "/home/u/venv/bin" : "";
  strcpy(wrapper_venv, fake_venv);
  expected = model_environment(plan, caller);
  struct fail f = {0};
  if (become_program(plan, rest, "/home/u/work", &f) != 0 && f.step)
    report(plan, &f);
  model_free(expected);
  environ = own;
  while (kept_count > 0)
    free(kept[--kept_count]);
}
