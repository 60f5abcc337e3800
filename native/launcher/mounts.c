// SPDX-License-Identifier: Apache-2.0
// What is mounted into a container.
#include "construct.h"
#include "kernel.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>

// A copy of all that is mounted on "/" has on top what build has put there, the new root: that comes off again.
static int uncover(const struct construction *c, const char *path) {
  for (int i = 0; i < c->stacked; i++) {
    char name[32];
    cleanup_fd int top = resolve_in_root(c->root, path);
    if (top < 0 || umount2(fd_path(name, top), MNT_DETACH) != 0)
      return -1;
  }
  return 0;
}

int bind_mount(struct construction *c, const struct record *r, struct fail *f) {
  const char *source = rec_string(r, 0), *path = rec_string(r, 1);
  unsigned flags = (unsigned)rec_numbers(r)[0];
  char inside[32];
  cleanup_fd int place = flags & MOUNT_INSIDE ? resolve_in_root(c->root, source) : -1;
  const char *from = flags & MOUNT_INSIDE ? fd_path(inside, place) : source;
  cleanup_fd int tree = -1;
  if (!(flags & MOUNT_INSIDE) || place >= 0)
    tree = c->foreign ? c->foreign->open_source(from, flags & MOUNT_RECURSIVE) : tree_clone(from, flags & MOUNT_RECURSIVE);
  if (tree < 0 && (flags & MOUNT_OPTIONAL) && (errno == ENOENT || errno == ENOTDIR || errno == EACCES))
    return 0;
  struct stat st;
  if (tree < 0 || fstatat(tree, "", &st, K_AT_EMPTY_PATH) != 0)
    return FAIL(f, r, "open", source);
  errno = 0;
  if (r->operation == OP_DEVICE && !S_ISCHR(st.st_mode) && !S_ISBLK(st.st_mode))
    return FAIL(f, r, "use as a device what is none,", source);
  cleanup_fd int target = open_target(c, r, S_ISDIR(st.st_mode), path, f);
  if (target < 0)
    return f->step ? -1 : 0;
  int mounted = tree_attach(tree, target, c->root, path);
  struct stat on;
  // The kernel calls a file on a directory, or the reverse, no more than invalid.
  if (mounted < 0 && errno == EINVAL)
    errno = fstatat(target, "", &on, K_AT_EMPTY_PATH) == 0 && S_ISDIR(on.st_mode) != S_ISDIR(st.st_mode) ? ENOTDIR : EINVAL;
  if (mounted < 0)
    return FAIL(f, r, "mount on", path);
  if ((flags & (MOUNT_RECURSIVE | MOUNT_INSIDE)) == MOUNT_RECURSIVE && source[strspn(source, "/")] == 0 &&
      uncover(c, path) != 0)
    return FAIL(f, r, "uncover the mount on", path);
  if (mounted != tree) { // by an older kernel, and perhaps of what was on top
    close(mounted);
    mounted = resolve_in_root(c->root, path);
  }
  int status = tree_set(mounted, flags, flags & MOUNT_RECURSIVE);
  if (status != 0)
    FAIL(f, r, "restrict the mount on", path);
  else if (c->foreign)
    status = c->foreign->finish(r, mounted, &st, f);
  if (mounted != tree)
    close(mounted);
  return status;
}

int squashfuse(struct construction *c, const struct record *r, struct fail *f) {
  const char *path = rec_string(r, 2);
  cleanup_fd int target = open_target(c, r, true, path, f);
  if (target < 0)
    return f->step ? -1 : 0;
  cleanup_fd int mounted = mount_squashfuse(c, r, target, c->root, path, f);
  return mounted < 0 ? -1 : 0;
}

int process_files(struct construction *c, const struct record *r, struct fail *f) {
  const char *const options[][2] = {{NULL, NULL}};
  cleanup_fd int target = resolve_in_root(c->root, "/proc");
  cleanup_fd int tree =
      target < 0 ? -1 : mount_new("proc", options, MOUNT_NOSUID | MOUNT_NODEV | MOUNT_NOEXEC, target, c->root, "/proc");
  return tree < 0 ? FAIL(f, r, "mount", "/proc") : 0;
}

int temporary(struct construction *c, const struct record *r, struct fail *f) {
  const uint64_t *n = rec_numbers(r);
  const char *path = rec_string(r, 0);
  char size[24], mode[16];
  snprintf(size, sizeof size, "%llu", (unsigned long long)n[1]);
  snprintf(mode, sizeof mode, "%llo", (unsigned long long)n[2]);
  const char *const options[][2] = {{"mode", mode}, {n[1] ? "size" : NULL, size}, {NULL, NULL}}; // 0: the kernel's default
  cleanup_fd int target = open_target(c, r, true, path, f);
  if (target < 0)
    return f->step ? -1 : 0;
  cleanup_fd int tree = mount_new("tmpfs", options, (unsigned)n[0], target, c->root, path);
  if (tree < 0)
    return FAIL(f, r, "mount a tmpfs on", path);
  if (c->own_count < OWN_MOUNTS_MAX)
    c->own_mounts[c->own_count++] = mount_of(tree);
  return 0;
}
