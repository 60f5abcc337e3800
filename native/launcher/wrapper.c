// SPDX-License-Identifier: Apache-2.0
// Programs of a wrapped installation. Each is this launcher under its own name (a hard link, or a copy), with one plan
// beside all of them. The kernel's name for the running file leads there, whatever link, `#!` line or argv[0] it was
// started by. The texts of the plan say where the installation stands by a mark, so it can be moved.
#include "launch.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

char wrapper_name[256];
char wrapper_venv[4096];

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
static void note_venv(const char *called, const char *cwd) {
  if (!strchr(called, '/'))
    called = (const char *)getauxval(AT_EXECFN);
  const char *slash = strrchr(called, '/');
  struct stat st;
  const char *before = *called == '/' ? "" : cwd, *between = *before ? "/" : "";
  int n = slash ? snprintf(wrapper_venv, sizeof wrapper_venv, "%s%s%.*s/../pyvenv.cfg", before, between,
                           (int)(slash - called), called)
                : -1;
  if (n > 0 && n < (int)sizeof wrapper_venv && lstat(called, &st) == 0 && S_ISLNK(st.st_mode) &&
      stat(wrapper_venv, &st) == 0)
    wrapper_venv[n - (int)strlen("/../pyvenv.cfg")] = 0;
  else
    wrapper_venv[0] = 0;
}

// Finds the plan of the installation that this program is a wrapper of. 1; 0 where it is no wrapper; -1 where its plan
// can't be used, which has been said.
int wrapper_plan(struct plan *plan, const char *called, const char *cwd) {
  static char exe[PATH_MAX], beside[PATH_MAX + 16];
  ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
  char *slash = n < 0 ? NULL : strrchr(exe, '/');
  if (!slash || slash == exe)
    return 0;
  snprintf(beside, sizeof beside, "%.*s/" WRAPPER_PLAN, (int)(slash - exe), exe);
  cleanup_fd int fd = openat(AT_FDCWD, beside, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd < 0 && errno == ENOENT)
    return 0;
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
    note_venv(called, cwd);
    return 1;
  }
  complain("%s: use %s: %s\n  hint: whoever made this installation can make it again; copy it as a whole", called, beside, why);
  return -1;
}
