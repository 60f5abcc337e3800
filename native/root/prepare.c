// SPDX-License-Identifier: Apache-2.0
// What root prepares on a node for the ranks of a job: an image by the kernel's squashfs, with all that is mounted in it,
// left at a path for others to enter.
#include "../launcher/construct.h"
#include "uapi.h"
#include "root.h"
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/ioctl.h>

enum { LOOP_TRIES = 64 };

int callers_mounts = -1;

// A loop device that shows the image, and goes by itself with its last mount or descriptor (loop(4)).
static int open_loop(int image, char path[32]) {
  cleanup_fd int control = openat(AT_FDCWD, "/dev/loop-control", O_RDWR | O_CLOEXEC);
  for (int tries = 0; control >= 0 && tries < LOOP_TRIES; tries++) {
    int number = ioctl(control, K_LOOP_CTL_GET_FREE);
    if (number < 0)
      return -1;
    snprintf(path, 32, "/dev/loop%d", number);
    int loop = openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
    if (loop < 0)
      return -1;
    // In one call (5.8): a process that is killed between two would leave a device that never goes.
    struct k_loop_config config = {.fd = (uint32_t)image,
                                   .info.flags = K_LO_FLAGS_READ_ONLY | K_LO_FLAGS_AUTOCLEAR};
    if (ioctl(loop, K_LOOP_CONFIGURE, &config) == 0)
      return loop;
    close(loop);
    if (errno != EBUSY && errno != EAGAIN) // another process took it meanwhile
      return -1;
  }
  return -1;
}

// The kernel's own squashfs. Only root can, and only an image that is known to be sound may come here.
int root_squashfs(struct construction *c, const struct record *r, struct fail *f) {
  const char *path = rec_string(r, 0);
  char device[32] = "";
  cleanup_fd int image = openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
  if (image < 0)
    return FAIL(f, r, "open", path);
  cleanup_fd int loop = open_loop(image, device);
  if (loop < 0)
    return FAIL(f, r, "find a loop device for", path);
  cleanup_fd int top = openat(AT_FDCWD, "/", O_PATH | O_CLOEXEC);
  c->root = mount_new("squashfs", (const char *const[][2]){{"source", device}, {"ro", NULL}, {NULL, NULL}},
                   (unsigned)rec_numbers(r)[0], top, -1, "/");
  if (c->root < 0)
    return FAIL(f, r, "mount", path);
  c->stacked++;
  return 0;
}

// Puts the new root, with all that is mounted in it, at a path of the caller's own mount namespace, and goes back there.
// Until this one step nothing of it is mounted anywhere but in a namespace that goes with this process.
int leave_at(struct construction *c, const struct record *r, struct fail *f) {
  const char *path = rec_string(r, 0);
  char name[32];
  cleanup_fd int tree = tree_clone(fd_path(name, c->root), true);
  if (tree < 0 || callers_mounts < 0 || setns(callers_mounts, CLONE_NEWNS) != 0)
    return FAIL(f, r, "take out", "the new root");
  cleanup_fd int target = openat(AT_FDCWD, path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (target < 0)
    return FAIL(f, r, "open", path);
  if (tree_attach(tree, target, -1, path) < 0)
    return FAIL(f, r, "mount on", path);
  close(c->root);
  c->root = -1;
  return 0;
}
