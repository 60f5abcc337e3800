// SPDX-License-Identifier: Apache-2.0
// The construct records: namespaces, then a root, then what is mounted into it, then entering it.
#include "construct.h"
#include "kernel.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>

// Leaves the old root. Where the caller's root is the initial ramfs, as on diskless nodes, it can't be pivoted (EINVAL):
// the new root, which is mounted on top of it, is entered by chroot alone.
static int enter(const struct construction *c, const struct record *r, struct fail *f) {
  if (fchdir(c->root) != 0)
    return FAIL(f, r, "enter", "the new root");
  if (syscall(SYS_pivot_root, ".", ".") == 0) {
    if (umount2(".", MNT_DETACH) != 0)
      return FAIL(f, r, "leave", "the old root");
  } else if (errno != EINVAL || chroot(".") != 0)
    return FAIL(f, r, "pivot to", "the new root");
  if (chdir("/") != 0)
    return FAIL(f, r, "enter", "/");
  return 0;
}

// Executes the construct records from `from` up to `to`. 0, or -1 with *f.
int build(const struct record *from, const struct record *to, struct fail *f) {
  struct construction c = {.root = -1, .caller_uid = geteuid(), .caller_gid = getegid()};
  bool has_root = false;
  for (const struct record *r = from; r < to; r = rec_next(r))
    if ((r->operation == OP_ROOT_SQUASHFUSE || r->operation == OP_SQUASHFUSE) && start_server(r, f) != 0)
      return -1;
  for (const struct record *r = from; r < to; r = rec_next(r)) {
    int status = 0;
    switch (r->operation) {
    case OP_NAMESPACES:
      status = enter_namespaces(&c, r, f);
      break;
    case OP_JOIN:
      status = join_process(r, f);
      break;
    case OP_ROOT_HOST:
      c.root = openat(AT_FDCWD, "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
      status = c.root < 0 ? FAIL(f, r, "open", "/") : 0;
      break;
    case OP_ROOT_DIRECTORY:
      has_root = true;
      status = root_directory(&c, r, f);
      break;
    case OP_ROOT_SQUASHFUSE:
      has_root = true;
      status = root_squashfuse(&c, r, f);
      break;
    case OP_ROOT_SQUASHFS:
    case OP_ROOT_BUNDLE:
    case OP_LEAVE:
      status = construct_own(&c, r, f);
      break;
    case OP_SQUASHFUSE:
      status = squashfuse(&c, r, f);
      break;
    case OP_OVERLAY:
      has_root = true; // also over what ranks share
      status = overlay(&c, r, f);
      break;
    case OP_BIND:
    case OP_DEVICE:
      status = bind_mount(&c, r, f);
      break;
    case OP_PROC:
      status = process_files(&c, r, f);
      break;
    case OP_TMPFS:
      status = temporary(&c, r, f);
      break;
    case OP_ROOT_READ_ONLY:
      if (tree_set(c.root, MOUNT_READ_ONLY, false) != 0)
        status = FAIL(f, r, "make read-only", "the root");
      break;
    case OP_SHOW_ROOT:
      status = show_root(&c, r, f);
      break;
    case OP_HOOK:
      if (c.root >= 0) // those behind ENTER are become_program's
        status = hook(r, f);
      break;
    case OP_ENTER:
      if (has_root)
        status = enter(&c, r, f);
      else if (c.foreign && fchdir(c.root) != 0) // entering it is its runtime's part
        status = FAIL(f, r, "change to", "the container's root");
      close(c.root);
      c.root = -1;
      break;
    default:
      break;
    }
    if (status != 0)
      return -1;
  }
  return 0;
}
