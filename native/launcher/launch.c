// SPDX-License-Identifier: Apache-2.0
// From a plan to its program.
#include "launch.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

const char *face_of(const char *called) {
  const char *slash = strrchr(called, '/');
  return slash ? slash + 1 : called;
}

// Whoever owns the file would lend his identity to a program that was written for the caller's alone.
bool is_privileged(const char *face) {
  if (!getauxval(AT_SECURE) && getauxval(AT_EUID) == getauxval(AT_UID) && getauxval(AT_EGID) == getauxval(AT_GID))
    return false;
  complain("%s: refuse to run set-user-id, set-group-id or with file capabilities\n  hint: Slipway needs no privilege; "
           "chmod u-s,g-s and setcap -r this file",
           face);
  return true;
}

// Carries a plan out; returns only at its END, or with the exit status of a failure, which has been said. `words` are the
// caller's, `dir` the directory for plans (-1: none).
int launch(const struct plan *plan, char **words, int dir) {
  static char cwd[4096];
  struct fail f = {0};
  if (!getcwd(cwd, sizeof cwd) || cwd[0] != '/')
    cwd[0] = 0; // there is no way to it
  int status = begin_hooks(plan, &f);
  bool is_shared = is_held(plan);
  if (status == 0 && is_shared)
    status = hold_and_join(plan, dir, &f);
  if (status == 0)
    status = build(is_shared ? plan->held : plan->first, plan->end, &f);
  if (status == 0) {
    if (dir >= 0)
      close(dir);
    if (become_program(plan, words + plan->covered, cwd, &f) == 0)
      return 0;
  }
  give_up_hooks();
  report(plan, &f);
  // Whose server has died is no fault of the command.
  if (f.record && f.record->operation >= OP_EXEC && f.error && f.error != ENOTCONN && f.error != ECONNABORTED)
    return f.error == ENOENT || f.error == ENOTDIR ? plan->header->status_not_found : plan->header->status_not_executable;
  return plan->header->status_own;
}
