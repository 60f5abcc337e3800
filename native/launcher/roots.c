// SPDX-License-Identifier: Apache-2.0
// Roots of containers, and the overlays that go over them.
#include "construct.h"
#include "kernel.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>

// Puts the new root in place. It goes on top of "/", where it hides nothing that is still needed: sources are opened
// from the old root, which this process keeps until ENTER.
static int attach_root(struct construction *c, const struct record *r, const char *name, struct fail *f) {
  cleanup_fd int top = openat(AT_FDCWD, "/", O_PATH | O_CLOEXEC);
  int mounted = tree_attach(c->root, top, -1, "/");
  if (mounted < 0)
    return FAIL(f, r, "mount", name);
  c->root = mounted;
  c->has_own_root = true;
  c->stacked++;
  return 0;
}

int root_directory(struct construction *c, const struct record *r, struct fail *f) {
  const char *path = rec_string(r, 0);
  c->root = tree_clone(path, rec_numbers(r)[0] & MOUNT_RECURSIVE);
  if (c->root < 0)
    return FAIL(f, r, "open", path);
  if (attach_root(c, r, path, f) != 0)
    return -1;
  if (tree_set(c->root, (unsigned)rec_numbers(r)[0], true) != 0)
    return FAIL(f, r, "restrict", path);
  return 0;
}

int root_squashfuse(struct construction *c, const struct record *r, struct fail *f) {
  cleanup_fd int top = openat(AT_FDCWD, "/", O_PATH | O_CLOEXEC);
  c->root = mount_squashfuse(c, r, top, -1, "/", f);
  if (c->root < 0)
    return -1;
  c->has_own_root = true;
  c->stacked++;
  return 0;
}

int overlay(struct construction *c, const struct record *r, struct fail *f) {
  const char *directory = rec_string(r, 0);
  bool is_layer = rec_numbers(r)[0] == OVERLAY_LAYER;
  bool on_tmpfs = !is_layer && rec_numbers(r)[0] != OVERLAY_DIRECTORY;
  cleanup_fd int above = -1;
  if (on_tmpfs) {
    char size[24];
    snprintf(size, sizeof size, "%llu", (unsigned long long)rec_numbers(r)[0]);
    above = new_mount("tmpfs", (const char *const[][2]){{"size", size}, {"mode", "0755"}, {NULL, NULL}}, 0);
    // It must be in the namespace for overlayfs to take it: on top of the root that it is to cover.
    if (above < 0 || tree_attach(above, c->root, -1, "/") < 0)
      return FAIL(f, r, "make a tmpfs for the overlay", "");
    c->stacked++;
  } else
    above = openat(AT_FDCWD, directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (above < 0)
    return FAIL(f, r, "open", directory);
  if (!is_layer && ((mkdirat(above, "upper", 0755) != 0 && errno != EEXIST) ||
                    (mkdirat(above, "work", 0755) != 0 && errno != EEXIST)))
    return FAIL(f, r, "make the overlay's directories in", directory);
  char root[32], on[32], lower[72], upper[48], work[48];
  fd_path(root, c->root), fd_path(on, above);
  snprintf(lower, sizeof lower, "%s%s%s", is_layer ? on : "", is_layer ? ":" : "", root);
  snprintf(upper, sizeof upper, "%s/upper", on);
  snprintf(work, sizeof work, "%s/work", on);
  int over = new_mount("overlay",
                       (const char *const[][2]){{"source", "slipway"},
                                                {"userxattr", NULL},
                                                {"lowerdir", lower},
                                                {is_layer ? NULL : "upperdir", upper},
                                                {"workdir", work},
                                                {NULL, NULL}},
                       is_layer ? MOUNT_NOSUID | MOUNT_NODEV : 0);
  if (over < 0)
    return FAIL(f, r, "make an overlay on", on_tmpfs ? "a tmpfs" : directory);
  // The overlay has its own hold on what it is made of. Left mounted, that would stand between the new root and the
  // old one, and ENTER, which takes away what is on top, would leave the old one there.
  for (; c->stacked > 0; c->stacked--)
    if (umount2("/", MNT_DETACH) != 0)
      return FAIL(f, r, "unmount below the overlay on", on_tmpfs ? "a tmpfs" : directory);
  close(c->root);
  c->root = over;
  return attach_root(c, r, "the overlay", f);
}

// Takes the new root from "/" to a path that hooks can name, with all that is mounted in it.
int show_root(struct construction *c, const struct record *r, struct fail *f) {
  char name[32];
  if (mount(fd_path(name, c->root), rec_string(r, 0), NULL, MS_MOVE, NULL) != 0)
    return FAIL(f, r, "show the new root at", rec_string(r, 0));
  c->stacked = 0;
  return 0;
}
