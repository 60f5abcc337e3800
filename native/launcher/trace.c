// SPDX-License-Identifier: Apache-2.0
// A plan is used again exactly when the planner would read the same things again. Each entry of its trace is compared
// with the machine as it is now; the first that differs ends it.
#include "launch.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static uint64_t ns(struct timespec t) { return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec; }

static bool same_stat(const struct record *r, int flags) {
  const uint64_t *n = rec_numbers(r);
  struct stat st;
  return fstatat(AT_FDCWD, rec_string(r, 0), &st, flags) == 0 && st.st_dev == n[0] && st.st_ino == n[1] &&
         st.st_mode == n[2] && (uint64_t)st.st_size == n[3] && ns(st.st_mtim) == n[4] && ns(st.st_ctim) == n[5];
}

static bool same_identity(const struct record *r) {
  const uint64_t *n = rec_numbers(r);
  static gid_t groups[65536];
  int count = getgroups(sizeof groups / sizeof *groups, groups);
  if (count < 0 || n[0] != geteuid() || n[1] != getegid() || r->numbers - 2 != count)
    return false;
  for (int i = 0; i < count; i++)
    if (groups[i] != n[2 + i])
      return false;
  return true;
}

static bool entry_holds(const struct record *r) {
  struct stat st;
  const char *value;
  char cwd[4096];
  switch (r->operation) {
  case OP_IDENTITY:
    return same_identity(r);
  case OP_HAVE_ENV:
    value = getenv(rec_string(r, 0));
    return value && strcmp(value, rec_string(r, 1)) == 0;
  case OP_LACK_ENV:
    return !getenv(rec_string(r, 0));
  case OP_HAVE_FILE:
    return same_stat(r, 0);
  case OP_HAVE_LINK:
    return same_stat(r, AT_SYMLINK_NOFOLLOW);
  case OP_HAVE_KIND:
    return fstatat(AT_FDCWD, rec_string(r, 0), &st, rec_numbers(r)[1] ? 0 : AT_SYMLINK_NOFOLLOW) == 0 &&
           (st.st_mode & S_IFMT) == rec_numbers(r)[0];
  case OP_LACK_FILE:
    return stat(rec_string(r, 0), &st) != 0 && (errno == ENOENT || errno == ENOTDIR);
  case OP_HAVE_CWD:
    return getcwd(cwd, sizeof cwd) && strcmp(cwd, rec_string(r, 0)) == 0;
  default:
    return true;
  }
}

bool trace_holds(const struct plan *plan) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  // A clock that was set back makes a plan from the future: its age can't be known.
  if (plan->header->max_age_ns != 0 && (ns(now) < plan->header->created_ns ||
                                        ns(now) - plan->header->created_ns > plan->header->max_age_ns)) {
    trace_say("plan is too old");
    return false;
  }
  for (const struct record *r = plan->first; r < plan->end; r = rec_next(r))
    if (!entry_holds(r)) {
      trace_say("changed: %s %s", operation_names[r->operation], r->strings ? rec_string(r, 0) : "");
      return false;
    }
  return true;
}
