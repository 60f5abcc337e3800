// SPDX-License-Identifier: Apache-2.0
// What a hot launch from an unpacked image can cost at least: the system calls that `slipway run DIRECTORY` makes from a
// kept plan, with nothing around them. No plan is decoded, no environment edited, no failure reported; which files are
// looked at and what is mounted, bench/launch takes from `slipway explain` and gives as words:
//
//   limit PLANS PLAN WORD...
//     s PATH, l PATH     stat, lstat
//     r PATH             the root: this directory, read-only, nosuid, nodev
//     b BITS FROM TO     mount FROM on TO: 1 with what is below, 2 read-only, 16 nosuid, 32 nodev
//     x COMMAND...       the rest
//
// Compiled as the launcher is. bench/launch compares the numbers of calls of the two by strace.
#include "../native/launcher/kernel.h"
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

extern char **environ;

static int root = -1;

static void check(long result, const char *what) {
  if (result < 0) {
    fprintf(stderr, "limit: %s: %s\n", what, strerror(errno));
    exit(125);
  }
}

static void write_to(const char *path, const char *text) {
  int fd = openat(AT_FDCWD, path, O_WRONLY | O_CLOEXEC);
  check(write(fd, text, strlen(text)), path);
  close(fd);
}

static void restrict_mount(int fd, int bits, int flags) {
  struct k_mount_attr attr = {.attr_set = (bits & 2 ? K_MOUNT_ATTR_RDONLY : 0) | (bits & 16 ? K_MOUNT_ATTR_NOSUID : 0) |
                                          (bits & 32 ? K_MOUNT_ATTR_NODEV : 0)};
  if (attr.attr_set)
    check(syscall(SYS_mount_setattr, fd, "", K_AT_EMPTY_PATH | flags, &attr, sizeof attr), "mount_setattr");
}

static void enter_namespaces(void) {
  char map[48];
  uid_t uid = geteuid();
  gid_t gid = getegid();
  check(unshare(CLONE_NEWUSER | CLONE_NEWNS), "unshare");
  write_to("/proc/self/setgroups", "deny");
  snprintf(map, sizeof map, "%u %u 1", uid, uid);
  write_to("/proc/self/uid_map", map);
  snprintf(map, sizeof map, "%u %u 1", gid, gid);
  write_to("/proc/self/gid_map", map);
}

static void take_root(const char *path) {
  enter_namespaces();
  root = (int)syscall(SYS_open_tree, AT_FDCWD, path, K_OPEN_TREE_CLONE | O_CLOEXEC | K_AT_RECURSIVE);
  check(root, path);
  int top = openat(AT_FDCWD, "/", O_PATH | O_CLOEXEC);
  check(syscall(SYS_move_mount, root, "", top, "", K_MOVE_MOUNT_F_EMPTY_PATH | K_MOVE_MOUNT_T_EMPTY_PATH), "/");
  close(top);
  restrict_mount(root, 2 | 16 | 32, K_AT_RECURSIVE);
}

static void bind_tree(int bits, const char *from, const char *to) {
  struct stat st;
  struct k_open_how how = {O_PATH | O_CLOEXEC, 0, K_RESOLVE_IN_ROOT | K_RESOLVE_NO_MAGICLINKS};
  int recursive = bits & 1 ? K_AT_RECURSIVE : 0;
  int tree = (int)syscall(SYS_open_tree, AT_FDCWD, from, K_OPEN_TREE_CLONE | O_CLOEXEC | recursive);
  check(tree, from);
  fstatat(tree, "", &st, K_AT_EMPTY_PATH);
  int at = (int)syscall(SYS_openat2, root, to, &how, sizeof how);
  check(at, to);
  check(syscall(SYS_move_mount, tree, "", at, "", K_MOVE_MOUNT_F_EMPTY_PATH | K_MOVE_MOUNT_T_EMPTY_PATH), to);
  restrict_mount(tree, bits, recursive);
  close(at);
  close(tree);
}

static void enter_root(void) {
  fchdir(root);
  check(syscall(SYS_pivot_root, ".", "."), "pivot_root");
  check(umount2(".", MNT_DETACH), "umount");
  check(chdir("/"), "/");
  close(root);
}

int main(int argc, char **argv) {
  static char plan[1 << 20], cwd[4096];
  static gid_t groups[65536];
  struct stat st;
  if (argc < 5)
    return 2;
  geteuid(), getuid(), getegid(), getgid();
  char *where = getcwd(cwd, sizeof cwd);

  int dir = openat(AT_FDCWD, argv[1], O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  check(dir, argv[1]);
  fstat(dir, &st);
  geteuid();
  openat(dir, "x-0000000000000000", O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  int file = openat(dir, argv[2], O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  check(file, argv[2]);
  fstat(file, &st);
  geteuid();
  for (ssize_t n = 0, got; (got = pread(file, plan + n, sizeof plan - (size_t)n, n)) > 0;)
    n += got;
  getgroups(sizeof groups / sizeof *groups, groups);
  geteuid(), getegid();

  char **word = argv + 3;
  for (; *word && (**word == 's' || **word == 'l'); word += 2)
    fstatat(AT_FDCWD, word[1], &st, **word == 'l' ? AT_SYMLINK_NOFOLLOW : 0);
  close(file);
  for (; *word && (**word == 'r' || **word == 'b'); word += **word == 'r' ? 2 : 4)
    if (**word == 'r')
      take_root(word[1]);
    else
      bind_tree(atoi(word[1]), word[2], word[3]);
  if (!*word || !word[1] || root < 0)
    return 2;
  enter_root();
  close(dir);
  void *volatile heap = malloc(4000); // for the new environment
  (void)heap;
  if (where)
    (void)!chdir(where);
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  execve(word[1], word + 1, environ);
  check(-1, word[1]);
}
