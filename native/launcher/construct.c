// SPDX-License-Identifier: Apache-2.0
// The construct records: namespaces, then a root, then what is mounted into it, then entering it.
#include "construct.h"
#include "kernel.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>

static int root_host(struct construction *c, const struct record *r, struct fail *f) {
  c->root = openat(AT_FDCWD, "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
  return c->root < 0 ? FAIL(f, r, "open", "/") : 0;
}

static int root_read_only(struct construction *c, const struct record *r, struct fail *f) {
  return tree_set(c->root, MOUNT_READ_ONLY, false) != 0 ? FAIL(f, r, "make read-only", "the root") : 0;
}

// Those behind ENTER are become_program's.
static int early_hook(struct construction *c, const struct record *r, struct fail *f) { return c->root >= 0 ? hook(r, f) : 0; }

// Leaves the old root. Where the caller's root is the initial ramfs, as on diskless nodes, it can't be pivoted (EINVAL):
// the new root, which is mounted on top of it, is entered by chroot alone.
static int leave_old_root(const struct record *r, struct fail *f) {
  if (syscall(SYS_pivot_root, ".", ".") == 0) {
    if (umount2(".", MNT_DETACH) != 0)
      return FAIL(f, r, "leave", "the old root");
  } else if (errno != EINVAL || chroot(".") != 0)
    return FAIL(f, r, "pivot to", "the new root");
  return chdir("/") != 0 ? FAIL(f, r, "enter", "/") : 0;
}

static int enter(struct construction *c, const struct record *r, struct fail *f) {
  // A foreign root is entered by its runtime; here it is enough to be there.
  if ((c->has_own_root || c->foreign) && fchdir(c->root) != 0)
    return FAIL(f, r, "enter", "the new root");
  close(c->root);
  c->root = -1;
  return c->has_own_root ? leave_old_root(r, f) : 0;
}

static step *const steps[OP_COUNT] = {
    [OP_NAMESPACES] = enter_namespaces,
    [OP_JOIN] = join_process,
    [OP_ROOT_HOST] = root_host,
    [OP_ROOT_DIRECTORY] = root_directory,
    [OP_ROOT_SQUASHFUSE] = root_squashfuse,
    [OP_ROOT_SQUASHFS] = construct_own,
    [OP_SQUASHFUSE] = squashfuse,
    [OP_ROOT_BUNDLE] = construct_own,
    [OP_OVERLAY] = overlay,
    [OP_BIND] = bind_mount,
    [OP_DEVICE] = bind_mount,
    [OP_TMPFS] = temporary,
    [OP_PROC] = process_files,
    [OP_ROOT_READ_ONLY] = root_read_only,
    [OP_SHOW_ROOT] = show_root,
    [OP_HOOK] = early_hook,
    [OP_ENTER] = enter,
    [OP_LEAVE] = construct_own,
};

// Executes the construct records from `from` up to `to`. 0, or -1 with *f.
int build(const struct record *from, const struct record *to, struct fail *f) {
  struct construction c = {.root = -1, .caller_uid = geteuid(), .caller_gid = getegid()};
  for (const struct record *r = from; r < to; r = rec_next(r))
    if ((r->operation == OP_ROOT_SQUASHFUSE || r->operation == OP_SQUASHFUSE) && start_server(r, f) != 0)
      return -1;
  for (const struct record *r = from; r < to; r = rec_next(r))
    if (steps[r->operation] && steps[r->operation](&c, r, f) != 0)
      return -1;
  return 0;
}
