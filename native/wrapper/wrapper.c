// SPDX-License-Identifier: Apache-2.0
// Programs of a wrapped installation. Each is this launcher under its own name (a hard link, or a copy), with one plan
// beside all of them. The kernel's name for the running file leads there, whatever link, `#!` line or argv[0] it was
// started by. The texts of the plan say where the installation stands by a mark, so it can be moved.
#include "wrapper.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

extern char **environ;

static char wrapper_name[256];
static char wrapper_venv[4096]; // where the programs are of the virtual environment it was called through, or ""

// Copies a record with each mark replaced by the installation's directory. Bytes used, or 0: it does not fit.
static size_t place_record(const struct record *r, const char *place, char *to, size_t room) {
  size_t head = sizeof *r + 8ul * r->numbers, length = strlen(place);
  if (head > room)
    return 0;
  memcpy(to, r, head);
  char *out = to + head, *end = to + room;
  const char *in = (const char *)r + head;
  for (int left = r->strings; left > 0; in++) {
    size_t n = *in == PLACE_MARK ? length : 1;
    if ((size_t)(end - out) < n + 8)
      return 0;
    memcpy(out, *in == PLACE_MARK ? place : in, n);
    out += n;
    left -= *in == 0;
  }
  while ((out - to) % 8)
    *out++ = 0;
  ((struct record *)to)->size = (uint32_t)(out - to);
  return (size_t)(out - to);
}

// The plan as it is for an installation in `place`. NULL, or why it is none.
static const char *put_in_place(struct plan *plan, const char *place) {
  static char placed[PLAN_MAX] __attribute__((aligned(16)));
  struct header *h = (struct header *)placed;
  size_t size = sizeof *h;
  memcpy(h, plan->header, size);
  for (const struct record *r = plan->first; r < plan->end; r = rec_next(r)) {
    size_t n = place_record(r, place, placed + size, sizeof placed - size);
    if (n == 0)
      return "it is too large";
    size += n;
  }
  h->size = (uint32_t)size;
  h->checksum = fnv(FNV_SEED, h->build, size - offsetof(struct header, build));
  return plan_check(placed, size, plan);
}

// A virtual environment (PEP 405) through which the program was called: its directory of programs holds a link to the
// wrapper. A `#!` line shows in argv[0] alone, a search of PATH in AT_EXECFN alone.
static void note_venv(const char *called) {
  if (!strchr(called, '/'))
    called = (const char *)getauxval(AT_EXECFN);
  const char *slash = strrchr(called, '/');
  struct stat st;
  char cwd[4096] = "";
  bool is_known = *called == '/' || (getcwd(cwd, sizeof cwd) && cwd[0] == '/');
  int n = slash && is_known ? snprintf(wrapper_venv, sizeof wrapper_venv, "%s%s%.*s/../pyvenv.cfg", cwd, *cwd ? "/" : "",
                                       (int)(slash - called), called)
                            : -1;
  if (n > 0 && n < (int)sizeof wrapper_venv && lstat(called, &st) == 0 && S_ISLNK(st.st_mode) &&
      stat(wrapper_venv, &st) == 0)
    wrapper_venv[n - (int)strlen("/../pyvenv.cfg")] = 0;
  else
    wrapper_venv[0] = 0;
}

// The end of the records about the activation of an environment, where they are to be left out; else their begin.
static const struct record *pass_activation(const struct record *r) {
  bool is_wanted = !getenv(rec_string(r, 0)) && (!*wrapper_venv || getenv(rec_string(r, 1)));
  while (!is_wanted && r->operation != OP_ACTIVATED)
    r = rec_next(r);
  return r;
}

// Where a script's `#!` line names an interpreter of a wrapped installation that was moved, the one that is here now.
// NULL: it does not. The line's one argument, where there is one, goes to *argument.
static char *moved_interpreter(char *line, const char *was, const char *is, char **argument) {
  size_t n = strlen(was);
  char *name = line + 2 + strspn(line + 2, " \t"), *end = name + strcspn(name, "\n");
  if (strncmp(line, "#!", 2) != 0 || strncmp(name, was, n) != 0 || name[n] != '/' || !*end)
    return NULL;
  *end = 0;
  char *blank = name + strcspn(name, " \t"), *path = NULL;
  *argument = *blank ? blank + strspn(blank, " \t") : NULL;
  *blank = 0;
  return asprintf(&path, "%s%s", is, name + n) < 0 ? NULL : path;
}

// A script of an installation that was built in `was` and is in `is` now, by its interpreter there.
static void run_moved(const char *path, char **argv, const char *was, const char *is) {
  char line[4096], *argument = NULL, *interpreter = NULL;
  if (strcmp(was, is) != 0 && read_start(path, line, sizeof line))
    interpreter = moved_interpreter(line, was, is, &argument);
  if (interpreter)
    run_by(interpreter, argument, path, argv);
  errno = ENOENT;
}

// The program in the image that has this wrapper's name, with the words of the caller, his argv[0] included: Python finds
// its virtual environment by that. Where the plan names words that are to start it, they come first.
static int run_namesake(const struct record *r, char **argv, struct fail *f) {
  static char place[PATH_MAX], path[PATH_MAX + 256];
  if (snprintf(place, sizeof place, "%s", rec_string(r, 0)) >= (int)sizeof place)
    return errno = ENAMETOOLONG, FAIL(f, r, "run", rec_string(r, 0));
  snprintf(path, sizeof path, "%s/%s", place, wrapper_name);
  if (r->strings == 2) {
    char *slash = strrchr(place, '/');
    *(slash ? slash : place) = 0;
    run(path, argv);
    if (errno == ENOENT)
      run_moved(path, argv, rec_string(r, 1), place);
    return FAIL(f, r, "run", path);
  }
  size_t n = 0;
  while (argv[n])
    n++;
  char **words = calloc(n + r->strings, sizeof *words);
  if (!words)
    return FAIL(f, r, "keep the arguments", "");
  for (int i = 2; i < r->strings; i++)
    words[i - 2] = (char *)rec_string(r, i);
  words[r->strings - 2] = path;
  memcpy(words + r->strings - 1, argv, n * sizeof *words);
  execve(words[0], words, environ);
  FAIL(f, r, "run", words[0]);
  free(words);
  return -1;
}

// What only a wrapper's plan asks for. `words` are the caller's.
int become_own(const struct record **r, char **words, struct fail *f) {
  switch ((*r)->operation) {
  case OP_ACTIVATE:
    *r = pass_activation(*r);
    return 0;
  case OP_ACTIVATED:
    if (*wrapper_venv)
      env_put("PATH", wrapper_venv, getenv("PATH") ? ":" : "", getenv("PATH") ? getenv("PATH") : "");
    return 0;
  default:
    return run_namesake(*r, words, f);
  }
}

// Finds the plan of the installation that this program is a wrapper of. 0; or -1: it can't be used, which has been said.
int wrapper_plan(struct plan *plan, const char *called) {
  static char exe[PATH_MAX], beside[PATH_MAX + 16];
  ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
  char *slash = strrchr(exe, '/');
  if (n < 0 || !slash) {
    complain("%s: read /proc/self/exe: %s\n  hint: mount /proc, which every program here needs", called, strerror(errno));
    return -1;
  }
  snprintf(beside, sizeof beside, "%.*s/" WRAPPER_PLAN, (int)(slash - exe), exe);
  cleanup_fd int fd = openat(AT_FDCWD, beside, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  // Who could write the plan could as well have written this program: any other's is not believed.
  struct stat of_plan, of_program;
  const char *why = NULL;
  if (fd < 0 || fstat(fd, &of_plan) != 0 || stat("/proc/self/exe", &of_program) != 0)
    why = strerror(errno);
  else if (!S_ISREG(of_plan.st_mode) || (of_plan.st_mode & 022) ||
           (of_plan.st_uid != 0 && of_plan.st_uid != of_program.st_uid))
    why = "others than the owner of this program may have written it";
  else if (strlen(slash + 1) >= sizeof wrapper_name)
    why = strerror(ENAMETOOLONG);
  else if (plan_read(fd, plan, &why) == 0) {
    strcpy(wrapper_name, slash + 1);
    *slash = 0;
    if ((slash = strrchr(exe, '/')))
      *slash = 0;
    why = put_in_place(plan, exe);
  }
  if (!why) {
    note_venv(called);
    return 0;
  }
  complain("%s: use %s: %s\n  hint: whoever made this installation can make it again; copy it as a whole", called, beside, why);
  return -1;
}
