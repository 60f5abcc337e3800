// SPDX-License-Identifier: Apache-2.0
// What the kernel charges for a launch: the system calls of a hot launch of an unpacked image, and nothing around them:
// no plan is understood, nothing is checked. The launcher is measured against this.
//   limit PLAN ROOT HOME SKELETON PASSWD GROUP PROGRAM      LIMIT_STATS: how many files a trace would look at
#include "../native/launcher/kernel.h"
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

extern char **environ;

static void check(long result, const char *what) {
  if (result >= 0)
    return;
  perror(what);
  exit(1);
}

static void put(const char *path, const char *text) {
  int fd = openat(AT_FDCWD, path, O_WRONLY | O_CLOEXEC);
  check(fd, path);
  check(write(fd, text, strlen(text)), path);
  close(fd);
}

static void mount_at(int root, const char *source, const char *target, int is_tree, uint64_t set) {
  int flags = K_OPEN_TREE_CLONE | O_CLOEXEC | (is_tree ? K_AT_RECURSIVE : 0);
  int tree = (int)syscall(SYS_open_tree, AT_FDCWD, source, flags);
  check(tree, source);
  struct stat st;
  fstat(tree, &st);
  struct k_open_how how = {O_PATH | O_CLOEXEC, 0, K_RESOLVE_IN_ROOT | K_RESOLVE_NO_MAGICLINKS};
  int place = (int)syscall(SYS_openat2, root, target, &how, sizeof how);
  if (place < 0 && errno == ENOENT) { // an image without /etc/hosts keeps none
    close(tree);
    return;
  }
  check(place, target);
  check(syscall(SYS_move_mount, tree, "", place, "", K_MOVE_MOUNT_F_EMPTY_PATH | K_MOVE_MOUNT_T_EMPTY_PATH), target);
  struct k_mount_attr attr = {.attr_set = set};
  if (set)
    check(syscall(SYS_mount_setattr, tree, "", K_AT_EMPTY_PATH, &attr, sizeof attr), target);
  close(place);
  close(tree);
}

int main(int argc, char **argv) {
  if (argc != 8)
    return 2;
  const char *plan = argv[1], *root_path = argv[2], *home = argv[3];
  static char bytes[1 << 20];
  struct stat st;
  char map[32];

  int fd = openat(AT_FDCWD, plan, O_RDONLY | O_CLOEXEC);
  check(fd, plan);
  check(pread(fd, bytes, sizeof bytes, 0), plan);
  close(fd);
  // As many looks as a trace of an unpacked image has.
  const char *stats = getenv("LIMIT_STATS");
  for (int i = stats ? atoi(stats) : 0; i > 0; i--)
    stat(root_path, &st);

  uid_t uid = getuid();
  gid_t gid = getgid();
  check(unshare(CLONE_NEWUSER | CLONE_NEWNS), "unshare");
  put("/proc/self/setgroups", "deny");
  snprintf(map, sizeof map, "%u %u 1", uid, uid);
  put("/proc/self/uid_map", map);
  snprintf(map, sizeof map, "%u %u 1", gid, gid);
  put("/proc/self/gid_map", map);

  int root = (int)syscall(SYS_open_tree, AT_FDCWD, root_path, K_OPEN_TREE_CLONE | O_CLOEXEC | K_AT_RECURSIVE);
  check(root, root_path);
  check(syscall(SYS_move_mount, root, "", AT_FDCWD, "/", K_MOVE_MOUNT_F_EMPTY_PATH), "/");
  struct k_mount_attr attr = {.attr_set = K_MOUNT_ATTR_RDONLY | K_MOUNT_ATTR_NOSUID | K_MOUNT_ATTR_NODEV};
  check(syscall(SYS_mount_setattr, root, "", K_AT_EMPTY_PATH | K_AT_RECURSIVE, &attr, sizeof attr), root_path);
  mount_at(root, argv[4], "/home", 0, K_MOUNT_ATTR_RDONLY | K_MOUNT_ATTR_NOSUID | K_MOUNT_ATTR_NODEV);
  mount_at(root, "/dev", "/dev", 1, 0);
  mount_at(root, "/proc", "/proc", 1, 0);
  mount_at(root, "/sys", "/sys", 1, 0);
  mount_at(root, "/etc/resolv.conf", "/etc/resolv.conf", 0, K_MOUNT_ATTR_RDONLY);
  mount_at(root, "/etc/hosts", "/etc/hosts", 0, K_MOUNT_ATTR_RDONLY);
  mount_at(root, "/tmp", "/tmp", 1, 0);
  mount_at(root, home, home, 1, 0);
  mount_at(root, argv[5], "/etc/passwd", 0, K_MOUNT_ATTR_RDONLY);
  mount_at(root, argv[6], "/etc/group", 0, K_MOUNT_ATTR_RDONLY);

  check(fchdir(root), "fchdir");
  check(syscall(SYS_pivot_root, ".", "."), "pivot_root");
  check(umount2(".", MNT_DETACH), "umount");
  check(chdir("/"), "chdir");
  close(root);
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  execve(argv[7], argv + 7, environ);
  perror(argv[7]);
  return 127;
}
