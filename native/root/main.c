// SPDX-License-Identifier: Apache-2.0
// Commands that root runs on behalf of others: nothing that a job's owner chose may reach them, or what they start.
#include "../launcher/construct.h"
#include "../launcher/kernel.h"
#include "root.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

extern char **environ;

enum { STATUS_HOOK = 1, VARIABLES_MAX = 8 };

// src/planner.ts has those with plans, src/main.ts the others.
static const struct command {
  const char *face;
  bool has_plans, is_hook;
  const char *variables[VARIABLES_MAX]; // that a hook knows
} commands[] = {
    {"setupRoot", true, false, {NULL}},
    {"unsetupRoot", false, false, {NULL}},
    {"mount_hook", true, true, {"LDCONFIG_PATH"}},
    {"mpi_hook", true, true, {"LDCONFIG_PATH", "MPI_LIBS", "MPI_DEPENDENCY_LIBS", "BIND_MOUNTS", "MPI_COMPATIBILITY_TYPE"}},
    {"glibc_hook", true, true, {"LDCONFIG_PATH", "GLIBC_LIBS"}},
    {"amdgpu_hook", true, true, {NULL}},
    {"timestamp_hook", false, true, {"TIMESTAMP_HOOK_MESSAGE"}},
    {"slurm_global_sync_hook", false, true, {"HOOK_BASE_DIR", "PASSWD_FILE"}},
};

static void be_fresh(void) {
  static char *fresh[] = {"PATH=/usr/bin:/usr/sbin:/bin:/sbin", NULL};
  environ = fresh;
  (void)!chdir("/");
  umask(022);
}

// A hook runs as root, outside the container, with the environment and descriptors that the runtime had. Where its
// configuration says nothing of an environment, runc gives it the one that the image asked for: nothing of that may come
// near Node. Standard input is kept in memory, for the planner and for ROOT_BUNDLE to read.
static void become_hook(const char *const variables[VARIABLES_MAX]) {
  static char *kept[VARIABLES_MAX + 1];
  static char text[1 << 16];
  size_t count = 0;
  for (size_t i = 0; i < VARIABLES_MAX && variables[i]; i++)
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

int construct_own(struct construction *c, const struct record *r, struct fail *f) {
  switch (r->operation) {
  case OP_ROOT_SQUASHFS:
    return root_squashfs(c, r, f);
  case OP_ROOT_BUNDLE:
    return root_bundle(c, r, f);
  case OP_LEAVE:
    return leave_at(c, r, f);
  default:
    return not_ours(r, f);
  }
}
int become_own(const struct record **r, char **words, struct fail *f) { return (void)words, not_ours(*r, f); }

int main(int argc, char **argv) {
  const char *face = argc < 1 ? "" : face_of(argv[0]);
  const struct command *command = NULL;
  for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
    if (strcmp(face, commands[i].face) == 0)
      command = &commands[i];
  if (!command) {
    complain("%s: this program is setupRoot, unsetupRoot and the hooks of OCI runtimes, by their names", face);
    return STATUS_OWN;
  }
  if (command->is_hook)
    become_hook(command->variables);
  tracing = getenv("SLIPWAY_TRACE") != NULL;
  if (is_privileged(face))
    return STATUS_OWN;
  if (!command->is_hook && geteuid() == 0)
    be_fresh();
  if (!command->has_plans)
    become_node(face, argc, argv);
  struct plan plan;
  int dir = obtain_plan(face, argc, argv, &plan);
  callers_mounts = openat(AT_FDCWD, "/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
  return launch(&plan, argv, dir);
}
