// SPDX-License-Identifier: Apache-2.0
// Mount points: guest paths, resolved inside the new root by descriptor, so that no link in an image can lead a mount out
// of it; and made where the image lacks them.
#include "construct.h"
#include "kernel.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Which mount a descriptor is on (proc(5), fdinfo). -1 where that can't be known.
int mount_of(int fd) {
  char path[32], text[512] = "";
  snprintf(path, sizeof path, "/proc/self/fdinfo/%d", fd);
  cleanup_fd int info = openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
  if (info < 0 || read(info, text, sizeof text - 1) < 0)
    return -1;
  const char *line = strstr(text, "mnt_id:");
  return line ? atoi(line + strlen("mnt_id:")) : -1;
}

// Whether a directory is the container's own: of its root, or of a tmpfs that was made for it. All else there is the
// host's, and a link in the image may have led to it: nothing is made in there.
static bool is_own(const struct construction *c, int directory) {
  int mount = mount_of(directory);
  bool is_found = mount >= 0 && mount == mount_of(c->root);
  for (int i = 0; i < c->own_count && mount >= 0; i++)
    is_found = is_found || c->own_mounts[i] == mount;
  return is_found;
}

// Where a link that leads nowhere would lead: `path` up to `name`, which is one in the directory `parent`, with its text
// in its place. False where it is no link.
static bool follow_dangling(int parent, const char *path, const char *name, const char *rest, char to[4096]) {
  char link[4096];
  ssize_t n = readlinkat(parent, name, link, sizeof link - 1);
  if (n <= 0)
    return false;
  link[n] = 0;
  return snprintf(to, 4096, "%.*s%s/%s", link[0] == '/' ? 0 : (int)(name - path), path, link, rest) < 4096;
}

// Makes the missing parts of a guest path: directories, and at the end a directory or an empty file. What a link that
// leads nowhere names is made where it points to, inside the root.
static int create_target(struct construction *c, const char *path, bool is_directory, int links) {
  char prefix[4096];
  if (snprintf(prefix, sizeof prefix, "%s", path) >= (int)sizeof prefix) {
    errno = ENAMETOOLONG;
    return -1;
  }
  if (links > 40) {
    errno = ELOOP;
    return -1;
  }
  cleanup_fd int parent = fcntl(c->root, F_DUPFD_CLOEXEC, 3);
  for (char *name = prefix + strspn(prefix, "/"); *name;) {
    char *end = name + strcspn(name, "/"), *next = end + strspn(end, "/"), kept = *end;
    *end = 0;
    bool is_last = *next == 0;
    int fd = resolve_in_root(c->root, prefix);
    if (fd < 0 && errno == ENOENT) {
      if (!is_own(c, parent)) {
        errno = EXDEV;
        return -1;
      }
      cleanup_fd int file = -1;
      bool is_made = is_last && !is_directory
                         ? (file = openat(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644)) >= 0
                         : mkdirat(parent, name, 0755) == 0;
      char target[4096];
      if (!is_made && errno != EEXIST)
        return -1;
      if (!is_made && follow_dangling(parent, prefix, name, next, target))
        return create_target(c, target, is_directory, links + 1);
      if (is_made && c->foreign)
        c->foreign->give_away(parent, name);
      fd = resolve_in_root(c->root, prefix);
    }
    if (fd < 0)
      return -1;
    close(parent);
    parent = fd;
    *end = kept;
    name = next;
  }
  int fd = parent;
  parent = -1;
  return fd;
}

// Opens a mount point, and makes it first where the record says so. -1 without a failure in *f: it may be left out.
int open_target(struct construction *c, const struct record *r, bool is_directory, const char *path, struct fail *f) {
  unsigned flags = (unsigned)rec_numbers(r)[0];
  int target = resolve_in_root(c->root, path);
  if (target < 0 && errno == ENOENT && (flags & MOUNT_CREATE))
    target = create_target(c, path, is_directory, 0);
  if (target < 0 && !((flags & MOUNT_OPTIONAL) && (errno == ENOENT || errno == ENOTDIR)))
    FAIL(f, r, "find the mount point", path);
  if (target >= 0 && c->foreign && !c->foreign->may_cover(c, target)) {
    close(target);
    target = -1;
    errno = EXDEV;
    FAIL(f, r, "mount on", path);
  }
  return target;
}
