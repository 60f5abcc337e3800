// SPDX-License-Identifier: Apache-2.0
// The container that an OCI runtime calls a hook for. On standard input stands its state (runtime-spec, "State"), in that
// the path of its bundle, and there config.json with the root and the ids of the container's process. The container is
// another's: sources are opened with no more rights than his, and what is made is his.
#include "../launcher/construct.h"
#include "../launcher/kernel.h"
#include "root.h"
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/mount.h>

enum { GROUPS_MAX = 1024 };

struct bundle {
  char root[4096], config[4096];
  uid_t uid;
  gid_t gid, groups[GROUPS_MAX];
  int group_count;
};

static struct bundle bundle;

static int read_whole(int fd, char *to, size_t room, struct json *j) {
  size_t n = 0;
  for (ssize_t got; (got = pread(fd, to + n, room - n, (off_t)n)) != 0;) {
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return -1;
    n += (size_t)got;
    if (n == room) {
      errno = EFBIG;
      return -1;
    }
  }
  *j = (struct json){to, to + n};
  return 0;
}

static int read_groups(struct json user, struct bundle *b) {
  struct json j;
  if (!json_member(user, "additionalGids", &j) || !json_take(&j, '[') || json_take(&j, ']'))
    return 0;
  do {
    uint64_t gid;
    if (b->group_count == GROUPS_MAX || !json_number(j, UINT32_MAX - 1, &gid) || !json_skip(&j, 0))
      return -1;
    b->groups[b->group_count++] = (gid_t)gid;
  } while (json_take(&j, ','));
  return 0;
}

// What the runtime says: reads standard input and the bundle's config.json. 0, or -1 with *f.
static int read_bundle(const struct record *r, struct bundle *b, struct fail *f) {
  static char text[4 << 20];
  char directory[4096], config[4200], root[4096];
  struct json state, j, user;
  errno = 0;
  if (read_whole(0, text, STATE_MAX, &state) != 0)
    return FAIL(f, r, "read the container's state on standard input", "");
  errno = 0;
  if (!json_is_whole(state) || !json_member(state, "bundle", &j) || !json_text(&j, directory, sizeof directory) || directory[0] != '/')
    return FAIL(f, r, "read the container's state on standard input: it names no bundle", "");
  snprintf(config, sizeof config, "%s/config.json", directory);
  snprintf(b->config, sizeof b->config, "%.4095s", config);
  cleanup_fd int fd = openat(AT_FDCWD, config, O_RDONLY | O_CLOEXEC);
  if (fd < 0 || read_whole(fd, text, sizeof text, &state) != 0)
    return FAIL(f, r, "read", b->config);
  errno = 0;
  if (!json_is_whole(state) || !json_member(state, "root", &j) || !json_member(j, "path", &j) || !json_text(&j, root, sizeof root) || !root[0])
    return FAIL(f, r, "find root.path in", b->config);
  uint64_t uid, gid;
  if (!json_member(state, "process", &j) || !json_member(j, "user", &user) || !json_member(user, "uid", &j) ||
      !json_number(j, UINT32_MAX - 1, &uid) || !json_member(user, "gid", &j) || !json_number(j, UINT32_MAX - 1, &gid) ||
      read_groups(user, b) != 0)
    return FAIL(f, r, "find the ids of process.user in", b->config);
  // Where the runtime keeps a hook's words to itself, an engine may say where they are to go.
  static const char *const streams[] = {"com.hooks.logging.stdoutfd", "com.hooks.logging.stderrfd"};
  for (int i = 0; i < 2; i++) {
    struct json annotations;
    char stream[4096];
    if (!json_member(state, "annotations", &annotations) || !json_member(annotations, streams[i], &j) ||
        !json_text(&j, stream, sizeof stream))
      continue;
    cleanup_fd int to = openat(AT_FDCWD, stream, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOCTTY);
    if (to < 0 || dup2(to, i + 1) < 0)
      return FAIL(f, r, "open what an annotation names for the hook's words, in", b->config);
  }
  b->uid = (uid_t)uid;
  b->gid = (gid_t)gid;
  if (snprintf(b->root, sizeof b->root, "%s%s%s", root[0] == '/' ? "" : directory, root[0] == '/' ? "" : "/", root) >=
      (int)sizeof b->root)
    return FAIL(f, r, "find root.path in", b->config);
  return 0;
}

static void give_away(int parent, const char *name) {
  (void)!fchownat(parent, name, bundle.uid, bundle.gid, AT_SYMLINK_NOFOLLOW);
}

// Whether a mount point is part of the container's own file systems, and no volume, /proc or /sys: a directory by itself,
// anything else by the directory that holds it.
static bool may_cover(const struct construction *c, int target) {
  char path[32], real[4096];
  struct stat st, of[3];
  if (fstat(target, &st) != 0)
    return false;
  ssize_t n = S_ISDIR(st.st_mode) ? 0 : readlink(fd_path(path, target), real, sizeof real - 1);
  if (n > 0) {
    real[n] = 0;
    char *slash = strrchr(real, '/');
    *(slash == real ? slash + 1 : slash) = 0;
    if (stat(real, &st) != 0)
      return false;
  }
  cleanup_fd int dev = resolve_in_root(c->root, "/dev");
  bool is_found = n == 0 && mount_of(target) == mount_of(c->root);
  if (fstat(c->root, &of[0]) == 0)
    is_found = is_found || st.st_dev == of[0].st_dev;
  if (dev >= 0 && fstat(dev, &of[1]) == 0)
    is_found = is_found || st.st_dev == of[1].st_dev;
  return is_found || (stat("/tmp", &of[2]) == 0 && st.st_dev == of[2].st_dev);
}

// Looks at files as the container's user, or as this process again. Capabilities over files go and come with the user
// id; the one to mount stays.
static int look_as_user(bool is_user) {
  static gid_t own[65536];
  static int own_count_of_groups;
  if (bundle.uid == 0 && bundle.gid == 0)
    return 0;
  if (is_user)
    own_count_of_groups = getgroups(sizeof own / sizeof *own, own);
  int count = is_user ? bundle.group_count : own_count_of_groups;
  // In a user namespace of one user groups can't be changed, and need not be.
  if (count < 0 || (setgroups((size_t)count, is_user ? bundle.groups : own) != 0 && errno != EPERM))
    return -1;
  setfsgid(is_user ? bundle.gid : 0);
  setfsuid(is_user ? bundle.uid : 0);
  return 0;
}

static int open_source(const char *source, bool is_recursive) {
  if (look_as_user(true) != 0)
    return -1;
  int tree = tree_clone(source, is_recursive), error = errno;
  if (look_as_user(false) != 0)
    abort();
  errno = error;
  return tree;
}

// Elsewhere nothing passes between this mount namespace and the one it was made from.
static int finish(const struct record *r, int mounted, const struct stat *source, struct fail *f) {
  char name[32];
  if (mount(NULL, fd_path(name, mounted), NULL, MS_PRIVATE | MS_REC, NULL) != 0)
    return FAIL(f, r, "restrict the mount on", rec_string(r, 1));
  if (r->operation == OP_DEVICE && allow_device(source->st_mode, source->st_rdev, (unsigned)rec_numbers(r)[1]) != 0)
    return FAIL(f, r, "allow the container to use", rec_string(r, 0));
  return 0;
}

// The container that an OCI runtime calls this for: in its mount namespace, but before its root is entered.
int root_bundle(struct construction *c, const struct record *r, struct fail *f) {
  if (read_bundle(r, &bundle, f) != 0)
    return -1;
  c->root = openat(AT_FDCWD, bundle.root, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (c->root < 0)
    return FAIL(f, r, "open the container's root,", bundle.root);
  static const struct foreign its = {open_source, may_cover, give_away, finish};
  c->foreign = &its;
  umask(022);
  // A /dev that was made for the container is its own; the machine's is not.
  struct stat host, own;
  cleanup_fd int dev = resolve_in_root(c->root, "/dev");
  if (dev >= 0 && stat("/dev", &host) == 0 && fstat(dev, &own) == 0 && host.st_dev != own.st_dev)
    c->own_mounts[c->own_count++] = mount_of(dev);
  return 0;
}
