// SPDX-License-Identifier: Apache-2.0
// The newer system calls that building a root wants, each with one fallback for kernels that lack it (the floor is
// 4.18 of RHEL 8). A fallback is tried only on ENOSYS. Where a fallback goes through /proc/self/fd, /proc must be
// mounted, as it is wherever users run programs.
#include "kernel.h"
#include "launch.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

const char *fd_path(char buffer[32], int fd) {
  snprintf(buffer, 32, "/proc/self/fd/%d", fd);
  return buffer;
}

// A plan has restrictions as all calls have them.
#define SAME_BIT(ours, name)                                                                                           \
  _Static_assert((int)ours == (int)K_MOUNT_ATTR_##name && (int)ours == MS_##name && (int)ours == (int)ST_##name, "")
SAME_BIT(MOUNT_READ_ONLY, RDONLY);
SAME_BIT(MOUNT_NOSUID, NOSUID);
SAME_BIT(MOUNT_NODEV, NODEV);
SAME_BIT(MOUNT_NOEXEC, NOEXEC);

// A copy of the mount at `path`, attached nowhere (5.2); before that, a handle on the place, which tree_attach binds with
// all that is mounted below it, wanted or not.
int tree_clone(const char *path, bool recursive) {
  int flags = K_OPEN_TREE_CLONE | O_CLOEXEC | (recursive ? K_AT_RECURSIVE : 0);
  int fd = (int)syscall(SYS_open_tree, AT_FDCWD, path, flags);
  if (fd < 0 && errno == ENOSYS)
    fd = open(path, O_PATH | O_CLOEXEC);
  return fd;
}

// What is mounted on top at `path` in `root`, or, where that is -1, on top of the caller's own root: there, a path to "/"
// stays below whatever is mounted on it, but ".." climbs to the top.
static int open_topmost(int root, const char *path) {
  return root < 0 ? openat(AT_FDCWD, "/..", O_PATH | O_CLOEXEC) : resolve_in_root(root, path);
}

// Mounts `tree` on the directory or file `target`, which is `path` in `root` (-1: the caller's own "/"), and returns
// a descriptor of what is mounted there now: `tree` itself after move_mount; after the older bind, one opened anew.
int tree_attach(int tree, int target, int root, const char *path) {
  if (syscall(SYS_move_mount, tree, "", target, "", K_MOVE_MOUNT_F_EMPTY_PATH | K_MOVE_MOUNT_T_EMPTY_PATH) == 0)
    return tree;
  if (errno != ENOSYS)
    return -1;
  char source[32], destination[32];
  if (mount(fd_path(source, tree), fd_path(destination, target), NULL, MS_BIND | MS_REC, NULL) != 0)
    return -1;
  return open_topmost(root, path);
}

// Sets MOUNT_* restrictions on a mount (mount_setattr, 5.12). The older remount is of this mount alone, not of those
// below it, and must repeat the flags that it has: in a user namespace they are locked, and leaving one out is EPERM.
int tree_set(int fd, unsigned flags, bool recursive) {
  struct k_mount_attr attr = {.attr_set = flags & MOUNT_RESTRICTIONS};
  if (attr.attr_set == 0)
    return 0;
  int at = K_AT_EMPTY_PATH | (recursive ? K_AT_RECURSIVE : 0);
  if (syscall(SYS_mount_setattr, fd, "", at, &attr, sizeof attr) == 0)
    return 0;
  if (errno != ENOSYS)
    return -1;
  struct statvfs now;
  char path[32];
  if (fstatvfs(fd, &now) != 0)
    return -1;
  unsigned long kept = now.f_flag & (MOUNT_RESTRICTIONS | MS_NOATIME | MS_NODIRATIME); // of the same bits, too
  kept |= now.f_flag & ST_RELATIME ? MS_RELATIME : 0;
  return mount(NULL, fd_path(path, fd), NULL, MS_REMOUNT | MS_BIND | (flags & MOUNT_RESTRICTIONS) | kept, NULL);
}

// Resolution by hand for kernels without openat2: each component is opened without following it, and links are
// replaced in the text. A process that swaps directories meanwhile can mislead it; openat2 can't be misled.
static int resolve_by_hand(int root, const char *path) {
  char todo[4096], done[4096] = ".", link[4096];
  if (snprintf(todo, sizeof todo, "%s", path) >= (int)sizeof todo) {
    errno = ENAMETOOLONG;
    return -1;
  }
  for (int links = 0;;) {
    char *p = todo + strspn(todo, "/");
    if (*p == 0)
      break;
    size_t n = strcspn(p, "/");
    if (n == 1 && p[0] == '.') {
      memmove(todo, p + n, strlen(p + n) + 1);
      continue;
    }
    if (n == 2 && p[0] == '.' && p[1] == '.') {
      char *slash = strrchr(done, '/');
      if (slash)
        *slash = 0;
      memmove(todo, p + n, strlen(p + n) + 1);
      continue;
    }
    size_t have = strlen(done);
    if (have + n + 2 > sizeof done) {
      errno = ENAMETOOLONG;
      return -1;
    }
    done[have] = '/';
    memcpy(done + have + 1, p, n);
    done[have + 1 + n] = 0;
    ssize_t length = readlinkat(root, done, link, sizeof link - 1);
    if (length < 0) {
      if (errno != EINVAL)
        return -1;
      memmove(todo, p + n, strlen(p + n) + 1);
      continue;
    }
    if (++links > 40) {
      errno = ELOOP;
      return -1;
    }
    link[length] = 0;
    if ((size_t)length + strlen(p + n) + 1 > sizeof todo) {
      errno = ENAMETOOLONG;
      return -1;
    }
    memmove(todo + length, p + n, strlen(p + n) + 1);
    memcpy(todo, link, (size_t)length);
    done[link[0] == '/' ? 1 : have] = 0;
  }
  return openat(root, done, O_PATH | O_CLOEXEC | O_NOFOLLOW);
}

// Opens a guest path as a process inside `root` would find it: links, `..` and absolute links can't lead out.
int resolve_in_root(int root, const char *path) {
  struct k_open_how how = {.flags = O_PATH | O_CLOEXEC, .resolve = K_RESOLVE_IN_ROOT | K_RESOLVE_NO_MAGICLINKS};
  for (;;) {
    int fd = (int)syscall(SYS_openat2, root, path, &how, sizeof how);
    if (fd >= 0 || errno != EAGAIN) // EAGAIN: a rename elsewhere made the kernel unsure of a `..`
      return fd >= 0 || errno != ENOSYS ? fd : resolve_by_hand(root, path);
  }
}

// A new file system, attached nowhere (fsopen and fsmount, 5.2). -1 with ENOSYS where they are missing.
int new_mount(const char *type, const char *const (*options)[2], unsigned mount_flags) {
  cleanup_fd int fs = (int)syscall(SYS_fsopen, type, K_FSOPEN_CLOEXEC);
  if (fs < 0)
    return -1;
  for (; (*options)[0]; options++)
    if (syscall(SYS_fsconfig, fs, (*options)[1] ? K_FSCONFIG_SET_STRING : K_FSCONFIG_SET_FLAG, (*options)[0],
                (*options)[1], 0) != 0)
      return -1;
  if (syscall(SYS_fsconfig, fs, K_FSCONFIG_CMD_CREATE, NULL, NULL, 0) != 0)
    return -1;
  return (int)syscall(SYS_fsmount, fs, K_FSMOUNT_CLOEXEC, mount_flags & MOUNT_RESTRICTIONS);
}

// A new file system on `target`, which is `path` in `root` as for tree_attach; returns a descriptor of it. The older
// mount(2) takes options as one text, but for three that have places of their own.
int mount_new(const char *type, const char *const (*options)[2], unsigned flags, int target, int root, const char *path) {
  cleanup_fd int tree = new_mount(type, options, flags);
  if (tree >= 0)
    return tree_attach(tree, target, root, path) < 0 ? -1 : fcntl(tree, F_DUPFD_CLOEXEC, 3);
  if (errno != ENOSYS)
    return -1;
  char name[64], text[256] = "", place[32];
  const char *source = "none";
  unsigned long ms = flags & MOUNT_RESTRICTIONS;
  snprintf(name, sizeof name, "%s", type);
  for (size_t n = 0; (*options)[0]; options++) {
    const char *key = (*options)[0], *value = (*options)[1];
    if (strcmp(key, "source") == 0)
      source = value;
    else if (strcmp(key, "subtype") == 0)
      snprintf(name, sizeof name, "%s.%s", type, value);
    else if (strcmp(key, "ro") == 0)
      ms |= MS_RDONLY;
    else
      n += (size_t)snprintf(text + n, sizeof text - n, "%s%s%s%s", n ? "," : "", key, value ? "=" : "", value ? value : "");
  }
  return mount(source, fd_path(place, target), name, ms, text) == 0 ? open_topmost(root, path) : -1;
}

int pidfd_of(pid_t pid) { return (int)syscall(SYS_pidfd_open, pid, 0); }

// The process at the other end of a socket, and its id (SO_PEERPIDFD, 6.5; before, the id may be of another meanwhile).
int peer_pidfd(int socket, pid_t *pid) {
  struct ucred peer;
  socklen_t n = sizeof peer;
  if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &n) != 0)
    return -1;
  *pid = peer.pid;
  int fd;
  n = sizeof fd;
  return getsockopt(socket, SOL_SOCKET, K_SO_PEERPIDFD, &fd, &n) == 0 ? fd : pidfd_of(peer.pid);
}

// Enters the namespaces of a process: by pidfd at once (5.8), else one by one from /proc.
int join_namespaces(int pidfd, pid_t pid, int flags) {
  if (pidfd >= 0 && setns(pidfd, flags) == 0)
    return 0;
  if (pidfd >= 0 && errno != EINVAL)
    return -1;
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/ns/user", (int)pid);
  cleanup_fd int user = open(path, O_RDONLY | O_CLOEXEC);
  snprintf(path, sizeof path, "/proc/%d/ns/mnt", (int)pid);
  cleanup_fd int mnt = open(path, O_RDONLY | O_CLOEXEC);
  if (user < 0 || mnt < 0)
    return -1;
  return setns(user, CLONE_NEWUSER) != 0 || setns(mnt, CLONE_NEWNS) != 0 ? -1 : 0;
}

// Closes the descriptors from `first` to `last` (close_range, 5.9), or has execve close them (5.11).
int close_between(unsigned first, unsigned last, bool at_execve) {
  if (first > last || syscall(SYS_close_range, first, last, at_execve ? K_CLOSE_RANGE_CLOEXEC : 0) == 0)
    return 0;
  DIR *dir = opendir("/proc/self/fd");
  if (!dir)
    return -1;
  for (struct dirent *e; (e = readdir(dir));) {
    int fd = atoi(e->d_name);
    if ((unsigned)fd < first || (unsigned)fd > last || fd == dirfd(dir))
      continue;
    if (at_execve)
      fcntl(fd, F_SETFD, FD_CLOEXEC);
    else
      close(fd);
  }
  closedir(dir);
  return 0;
}
