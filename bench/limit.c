// SPDX-License-Identifier: Apache-2.0
// What a hot launch from an unpacked image can cost at least: the system calls that `slipway run DIRECTORY` makes from a
// kept plan, with nothing around them (no plan is decoded, no environment edited, no failure reported). Compiled as the
// launcher is. bench/launch compares the calls of the two by strace.
//
//   limit ROOTFS HOME PLANS PLAN PASSWD GROUP COMMAND...
//
// PLANS is the directory for plans, the three others names in it.
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_open_tree
#define SYS_open_tree 428
#define SYS_move_mount 429
#endif
#ifndef SYS_openat2
#define SYS_openat2 437
#endif
#ifndef SYS_mount_setattr
#define SYS_mount_setattr 442
#endif

enum { CLONE = 1, RECURSIVE = 0x8000, EMPTY = 0x1000, FROM_EMPTY = 4, TO_EMPTY = 0x40 };
enum { READ_ONLY = 1, NOSUID = 2, NODEV = 4, IN_ROOT = 0x10, NO_MAGICLINKS = 2 };

static int root;

static void check(long result, const char *what) {
  if (result < 0) {
    perror(what);
    exit(125);
  }
}

static void write_to(const char *path, const char *text) {
  int fd = openat(AT_FDCWD, path, O_WRONLY | O_CLOEXEC);
  check(write(fd, text, strlen(text)), path);
  close(fd);
}

static void restrict_mount(int fd, uint64_t set, int flags) {
  uint64_t attr[4] = {set, 0, 0, 0};
  check(syscall(SYS_mount_setattr, fd, "", EMPTY | flags, attr, sizeof attr), "mount_setattr");
}

static void bind_tree(const char *source, const char *target, int recursive, uint64_t set) {
  struct stat st;
  uint64_t how[3] = {O_PATH | O_CLOEXEC, 0, IN_ROOT | NO_MAGICLINKS};
  int tree = (int)syscall(SYS_open_tree, AT_FDCWD, source, CLONE | O_CLOEXEC | recursive);
  check(tree, source);
  fstatat(tree, "", &st, EMPTY);
  int at = (int)syscall(SYS_openat2, root, target, how, sizeof how);
  check(at, target);
  check(syscall(SYS_move_mount, tree, "", at, "", FROM_EMPTY | TO_EMPTY), target);
  if (set)
    restrict_mount(tree, set, 0);
  close(at);
  close(tree);
}

int main(int argc, char **argv) {
  static char plan[1 << 20], cwd[4096], path[4][4200], map[2][48];
  static gid_t groups[65536];
  struct stat st;
  if (argc < 8)
    return 2;
  const char *rootfs = argv[1], *home = argv[2], *plans = argv[3];
  geteuid(), getuid(), getegid(), getgid();
  char *where = getcwd(cwd, sizeof cwd);

  int dir = openat(AT_FDCWD, plans, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  check(dir, plans);
  fstat(dir, &st);
  geteuid();
  openat(dir, "x-0000000000000000", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  int file = openat(dir, argv[4], O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  check(file, argv[4]);
  fstat(file, &st);
  geteuid();
  for (ssize_t n = 0, got; (got = pread(file, plan + n, sizeof plan - (size_t)n, n)) > 0;)
    n += got;

  getgroups(sizeof groups / sizeof *groups, groups);
  geteuid(), getegid();
  const char *const inputs[] = {"/etc/passwd", "/etc/group", "/dev",          "/proc",
                                "/sys",        "/etc/resolv.conf", "/etc/hosts", "/tmp",
                                home,          "/usr/local/bin/squashfuse_ll", "/usr/bin/squashfuse_ll", rootfs};
  for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++)
    stat(inputs[i], &st);
  const char *const guests[] = {"dev", "proc", "sys", "etc", "etc/resolv.conf", "etc/hosts", "tmp", "etc/passwd", "etc/group"};
  for (size_t i = 0; i < sizeof guests / sizeof *guests; i++) {
    snprintf(path[0], sizeof path[0], "%s/%s", rootfs, guests[i]);
    lstat(path[0], &st);
  }
  // What the image has on the way to the home, its accounts, and what was made for the container.
  const char *const looked_into[] = {"tmp/home", "tmp", "etc/passwd", "etc/group"};
  for (size_t i = 0; i < sizeof looked_into / sizeof *looked_into; i++) {
    snprintf(path[0], sizeof path[0], "%s/%s", rootfs, looked_into[i]);
    stat(path[0], &st);
  }
  for (int i = 0; i < 2; i++) {
    snprintf(path[2 + i], sizeof path[2], "%s/%s", plans, argv[5 + i]);
    lstat(path[2 + i], &st);
  }
  close(file);

  uid_t uid = geteuid();
  gid_t gid = getegid();
  snprintf(map[0], sizeof map[0], "%u %u 1", uid, uid);
  snprintf(map[1], sizeof map[1], "%u %u 1", gid, gid);
  check(unshare(CLONE_NEWUSER | CLONE_NEWNS), "unshare");
  write_to("/proc/self/setgroups", "deny");
  write_to("/proc/self/uid_map", map[0]);
  write_to("/proc/self/gid_map", map[1]);

  root = (int)syscall(SYS_open_tree, AT_FDCWD, rootfs, CLONE | O_CLOEXEC | RECURSIVE);
  check(root, rootfs);
  int top = openat(AT_FDCWD, "/", O_PATH | O_CLOEXEC);
  check(syscall(SYS_move_mount, root, "", top, "", FROM_EMPTY | TO_EMPTY), "/");
  close(top);
  restrict_mount(root, READ_ONLY | NOSUID | NODEV, RECURSIVE);
  bind_tree("/dev", "/dev", RECURSIVE, 0);
  bind_tree("/proc", "/proc", RECURSIVE, 0);
  bind_tree("/sys", "/sys", RECURSIVE, 0);
  bind_tree("/etc/resolv.conf", "/etc/resolv.conf", 0, READ_ONLY);
  bind_tree("/etc/hosts", "/etc/hosts", 0, READ_ONLY);
  bind_tree("/tmp", "/tmp", RECURSIVE, 0);
  bind_tree(home, home, RECURSIVE, 0);
  bind_tree(path[2], "/etc/passwd", 0, READ_ONLY);
  bind_tree(path[3], "/etc/group", 0, READ_ONLY);

  fchdir(root);
  check(syscall(SYS_pivot_root, ".", "."), "pivot_root");
  check(umount2(".", MNT_DETACH), "umount");
  check(chdir("/"), "/");
  close(root);
  close(dir);
  if (where)
    (void)!chdir(where);
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  // A heap, as the launcher has for the new environment.
  void *volatile heap = malloc(4000);
  extern char **environ;
  (void)heap;
  execve(argv[7], argv + 7, environ);
  check(-1, argv[7]);
}
