// SPDX-License-Identifier: Apache-2.0
// A program of a wrapped installation, by its own name: carries out the plan beside it.
#include "../launcher/construct.h"
#include "wrapper.h"
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

int construct_own(struct construction *c, const struct record *r, struct fail *f) { return (void)c, not_ours(r, f); }

int main(int argc, char **argv) {
  static char run_dir[4096];
  const char *called = argc < 1 ? "" : argv[0];
  tracing = getenv("SLIPWAY_TRACE") != NULL;
  if (argc < 1 || is_privileged(face_of(called)))
    return STATUS_OWN;
  struct plan plan;
  if (wrapper_plan(&plan, called) != 0)
    return STATUS_OWN;
  // What is not isolated keeps a directory that was removed, or to which there is no way, as any program does.
  callers_directory = openat(AT_FDCWD, ".", O_PATH | O_CLOEXEC);
  return launch(&plan, argv, open_run_directory(run_dir));
}
