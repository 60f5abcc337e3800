// SPDX-License-Identifier: Apache-2.0
// The construct records: namespaces, then a root, then what is mounted into it, then entering it. Guest paths are
// resolved inside the new root by descriptor, so that no link in an image can lead a mount out of it.
#include "kernel.h"
#include "launch.h"
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

static int root = -1; // under construction
enum { OWN_MOUNTS_MAX = 64 };
static int own_mounts[OWN_MOUNTS_MAX], own_count; // of the TMPFS records
static int stacked;   // mounts that stand on top of "/"
static uid_t caller_uid, inner_uid;
static gid_t caller_gid, inner_gid;
static int callers_mounts = -1; // the mount namespace that was left, where root builds for others
enum { LOOP_TRIES = 64 };
static struct bundle bundle; // of ROOT_BUNDLE
static bool is_bundle;

// The FUSE servers, one for each image in the order of the records: processes in the caller's own namespaces, so that
// they keep nothing mounted themselves, waiting for their two descriptors.
static int server_sockets[SERVERS_MAX], used_servers;
int server_pidfds[SERVERS_MAX], server_count;

static int write_file(const char *path, const char *text) {
  cleanup_fd int fd = openat(AT_FDCWD, path, O_WRONLY | O_CLOEXEC);
  return fd < 0 || write(fd, text, strlen(text)) < 0 ? -1 : 0;
}

static int send_descriptors(int socket, int a, int b) {
  int fds[2] = {a, b};
  char byte = 0;
  union {
    char bytes[CMSG_SPACE(sizeof fds)];
    struct cmsghdr align;
  } control = {0};
  struct iovec io = {&byte, 1};
  struct msghdr m = {.msg_iov = &io, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  struct cmsghdr *c = CMSG_FIRSTHDR(&m);
  c->cmsg_level = SOL_SOCKET;
  c->cmsg_type = SCM_RIGHTS;
  c->cmsg_len = CMSG_LEN(sizeof fds);
  memcpy(CMSG_DATA(c), fds, sizeof fds);
  return sendmsg(socket, &m, MSG_NOSIGNAL) == 1 ? 0 : -1;
}

static int receive_descriptors(int socket, int fds[2]) {
  char byte;
  union {
    char bytes[CMSG_SPACE(2 * sizeof(int))];
    struct cmsghdr align;
  } control;
  struct iovec io = {&byte, 1};
  struct msghdr m = {.msg_iov = &io, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  if (recvmsg(socket, &m, 0) != 1)
    return -1;
  struct cmsghdr *c = CMSG_FIRSTHDR(&m);
  if (!c || c->cmsg_type != SCM_RIGHTS || c->cmsg_len != CMSG_LEN(2 * sizeof(int)))
    return -1;
  memcpy(fds, CMSG_DATA(c), 2 * sizeof(int));
  return 0;
}

// Where the descriptors of the FUSE server stand when it starts.
enum { SERVER_IMAGE = 3, SERVER_FUSE = 4, SERVER_SOCKET = 5 };

static _Noreturn void become_server(int socket, const char *program) {
  setsid();
  pid_t self = getpid();
  int fds[2];
  if (write(socket, &self, sizeof self) != sizeof self || receive_descriptors(socket, fds) != 0)
    _exit(0); // nobody needs a server any more
  // Out of the way first: what was received may stand on one of the numbers wanted.
  int image = fcntl(fds[0], F_DUPFD, 10), fuse = fcntl(fds[1], F_DUPFD, 10), reply = fcntl(socket, F_DUPFD, 10);
  int null = openat(AT_FDCWD, "/dev/null", O_RDWR);
  dup2(null, 0), dup2(null, 1), dup2(null, 2);
  dup2(image, SERVER_IMAGE), dup2(fuse, SERVER_FUSE), dup2(reply, SERVER_SOCKET);
  close_between(SERVER_SOCKET + 1, ~0u, false);
  fcntl(SERVER_SOCKET, F_SETFD, FD_CLOEXEC);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  for (int i = 1; i < 32; i++)
    signal(i, SIG_DFL);
  if (chdir("/") == 0)
    execve(program, (char *[]){"squashfuse_ll", "-f", "/dev/fd/3", "/dev/fd/4", NULL}, (char *[]){NULL});
  int error = errno;
  _exit(write(SERVER_SOCKET, &error, sizeof error) < 0);
}

// Forks the server twice over, so that it is no child of the program that this process may become.
static int start_server(const struct record *r, struct fail *f) {
  int pair[2];
  if (server_count == SERVERS_MAX) {
    errno = EMFILE;
    return FAIL(f, r, "start one FUSE server more, for", rec_string(r, 0));
  }
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
    return FAIL(f, r, "make a socket for the FUSE server of", rec_string(r, 0));
  pid_t between = fork();
  if (between == 0) {
    close(pair[0]);
    if (fork() == 0)
      become_server(pair[1], rec_string(r, 1));
    _exit(0);
  }
  close(pair[1]);
  pid_t server = 0;
  if (between < 0 || waitpid(between, NULL, 0) < 0 || recv(pair[0], &server, sizeof server, 0) != sizeof server) {
    FAIL(f, r, "start the FUSE server of", rec_string(r, 0));
    close(pair[0]);
    return -1;
  }
  server_sockets[server_count] = pair[0];
  server_pidfds[server_count++] = pidfd_of(server);
  return 0;
}

static int map_ids(const struct record *r, uid_t uid, gid_t gid, struct fail *f) {
  char map[48];
  if (write_file("/proc/self/setgroups", "deny") != 0 && errno != ENOENT)
    return FAIL(f, r, "write", "/proc/self/setgroups");
  snprintf(map, sizeof map, "%u %u 1", inner_uid, uid);
  if (write_file("/proc/self/uid_map", map) != 0)
    return FAIL(f, r, "write", "/proc/self/uid_map");
  snprintf(map, sizeof map, "%u %u 1", inner_gid, gid);
  if (write_file("/proc/self/gid_map", map) != 0)
    return FAIL(f, r, "write", "/proc/self/gid_map");
  return 0;
}

static int enter_namespaces(const struct record *r, struct fail *f) {
  const uint64_t *n = rec_numbers(r);
  int flags = (int)n[0];
  uid_t uid = geteuid();
  gid_t gid = getegid();
  inner_uid = n[1] == CALLERS_OWN_ID ? caller_uid : (uid_t)n[1];
  inner_gid = n[2] == CALLERS_OWN_ID ? caller_gid : (gid_t)n[2];
  if (!(flags & CLONE_NEWUSER) && callers_mounts < 0)
    callers_mounts = openat(AT_FDCWD, "/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
  if (unshare(flags) != 0)
    return FAIL(f, r, "make namespaces", "");
  // Without a user namespace of its own, what is mounted here would show outside.
  if ((flags & (CLONE_NEWUSER | CLONE_NEWNS)) == CLONE_NEWNS && mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) != 0)
    return FAIL(f, r, "keep to itself", "/");
  if (flags & CLONE_NEWUSER && map_ids(r, uid, gid, f) != 0)
    return -1;
  if (flags & CLONE_NEWNET)
    bring_loopback_up();
  if (flags & CLONE_NEWPID && enter_pid_namespace() != 0)
    return FAIL(f, r, "start a process in the new pid namespace", "");
  return 0;
}

// Puts the new root in place. It goes on top of "/", where it hides nothing that is still needed: sources are opened
// from the old root, which this process keeps until ENTER.
static int attach_root(const struct record *r, const char *name, struct fail *f) {
  cleanup_fd int top = openat(AT_FDCWD, "/", O_PATH | O_CLOEXEC);
  int mounted = tree_attach(root, top, -1, "/");
  if (mounted < 0)
    return FAIL(f, r, "mount", name);
  root = mounted;
  stacked++;
  return 0;
}

static int root_directory(const struct record *r, struct fail *f) {
  const char *path = rec_string(r, 0);
  root = tree_clone(path, rec_numbers(r)[0] & MOUNT_RECURSIVE);
  if (root < 0)
    return FAIL(f, r, "open", path);
  if (attach_root(r, path, f) != 0)
    return -1;
  if (tree_set(root, (unsigned)rec_numbers(r)[0], true) != 0)
    return FAIL(f, r, "restrict", path);
  return 0;
}

// Mounts the image of a record on `target`, which is `path` in `in` as for tree_attach, and has the next server serve it.
// A descriptor of the mount, or -1.
static int mount_squashfuse(const struct record *r, int target, int in, const char *path, struct fail *f) {
  const char *name = rec_string(r, 0);
  cleanup_fd int image = openat(AT_FDCWD, name, O_RDONLY | O_CLOEXEC);
  if (image < 0)
    return FAIL(f, r, "open", name);
  // Opened in the user namespace that mounts it: the kernel refuses any other (EINVAL).
  cleanup_fd int fuse = openat(AT_FDCWD, "/dev/fuse", O_RDWR | O_CLOEXEC);
  if (fuse < 0)
    return FAIL(f, r, "open", "/dev/fuse");
  char fd[16], uid[16], gid[16];
  snprintf(fd, sizeof fd, "%d", fuse);
  snprintf(uid, sizeof uid, "%u", inner_uid);
  snprintf(gid, sizeof gid, "%u", inner_gid);
  cleanup_fd int mounted = mount_new("fuse",
                                     (const char *const[][2]){{"fd", fd},
                                                              {"rootmode", "40000"},
                                                              {"user_id", uid},
                                                              {"group_id", gid},
                                                              {"allow_other", NULL},
                                                              {"source", name},
                                                              {"subtype", "squashfuse"},
                                                              {"ro", NULL},
                                                              {NULL, NULL}},
                                     (unsigned)rec_numbers(r)[0], target, in, path);
  if (mounted < 0)
    return FAIL(f, r, "mount", name);
  cleanup_fd int server = server_sockets[used_servers++];
  int error = 0;
  if (send_descriptors(server, image, fuse) != 0)
    return FAIL(f, r, "hand the image to the FUSE server of", name);
  // The server's end closes when it starts, and carries an errno if it can't.
  if (recv(server, &error, sizeof error, 0) == sizeof error) {
    errno = error;
    return FAIL(f, r, "start", rec_string(r, 1));
  }
  // Waits for the server's first answer; an image that it refuses shows here.
  struct stat st;
  close(fuse);
  fuse = -1;
  if (fstatat(mounted, ".", &st, 0) != 0)
    return FAIL(f, r, "read the root directory of", name);
  int fd_of_mount = mounted;
  mounted = -1;
  return fd_of_mount;
}

static int root_squashfuse(const struct record *r, struct fail *f) {
  cleanup_fd int top = openat(AT_FDCWD, "/", O_PATH | O_CLOEXEC);
  root = mount_squashfuse(r, top, -1, "/", f);
  if (root < 0)
    return -1;
  stacked++;
  return 0;
}

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
static int root_squashfs(const struct record *r, struct fail *f) {
  const char *path = rec_string(r, 0);
  char device[32] = "";
  cleanup_fd int image = openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
  if (image < 0)
    return FAIL(f, r, "open", path);
  cleanup_fd int loop = open_loop(image, device);
  if (loop < 0)
    return FAIL(f, r, "find a loop device for", path);
  cleanup_fd int top = openat(AT_FDCWD, "/", O_PATH | O_CLOEXEC);
  root = mount_new("squashfs", (const char *const[][2]){{"source", device}, {"ro", NULL}, {NULL, NULL}},
                   (unsigned)rec_numbers(r)[0], top, -1, "/");
  if (root < 0)
    return FAIL(f, r, "mount", path);
  stacked++;
  return 0;
}

static int overlay(const struct record *r, struct fail *f) {
  const char *directory = rec_string(r, 0);
  bool is_layer = rec_numbers(r)[0] == OVERLAY_LAYER;
  bool on_tmpfs = !is_layer && rec_numbers(r)[0] != OVERLAY_DIRECTORY;
  cleanup_fd int above = -1;
  if (on_tmpfs) {
    char size[24];
    snprintf(size, sizeof size, "%llu", (unsigned long long)rec_numbers(r)[0]);
    above = new_mount("tmpfs", (const char *const[][2]){{"size", size}, {"mode", "0755"}, {NULL, NULL}}, 0);
    // It must be in the namespace for overlayfs to take it: on top of the root that it is to cover.
    if (above < 0 || tree_attach(above, root, -1, "/") < 0)
      return FAIL(f, r, "make a tmpfs for the overlay", "");
    stacked++;
  } else
    above = openat(AT_FDCWD, directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (above < 0)
    return FAIL(f, r, "open", directory);
  if (!is_layer && ((mkdirat(above, "upper", 0755) != 0 && errno != EEXIST) ||
                    (mkdirat(above, "work", 0755) != 0 && errno != EEXIST)))
    return FAIL(f, r, "make the overlay's directories in", directory);
  char lower[32], layers[64], upper[48], work[48];
  snprintf(lower, sizeof lower, "/proc/self/fd/%d", root);
  snprintf(layers, sizeof layers, "/proc/self/fd/%d:%s", above, lower);
  snprintf(upper, sizeof upper, "/proc/self/fd/%d/upper", above);
  snprintf(work, sizeof work, "/proc/self/fd/%d/work", above);
  int over = new_mount("overlay",
                       (const char *const[][2]){{"source", "slipway"},
                                                {"userxattr", NULL},
                                                {"lowerdir", is_layer ? layers : lower},
                                                {is_layer ? NULL : "upperdir", upper},
                                                {"workdir", work},
                                                {NULL, NULL}},
                       is_layer ? MOUNT_NOSUID | MOUNT_NODEV : 0);
  if (over < 0)
    return FAIL(f, r, "make an overlay on", on_tmpfs ? "a tmpfs" : directory);
  // The overlay has its own hold on what it is made of. Left mounted, that would stand between the new root and the
  // old one, and ENTER, which takes away what is on top, would leave the old one there.
  for (; stacked > 0; stacked--)
    if (umount2("/", MNT_DETACH) != 0)
      return FAIL(f, r, "unmount below the overlay on", on_tmpfs ? "a tmpfs" : directory);
  close(root);
  root = over;
  return attach_root(r, "the overlay", f);
}

// Which mount a descriptor is on (proc(5), fdinfo). -1 where that can't be known.
static int mount_of(int fd) {
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
static bool is_own(int directory) {
  int mount = mount_of(directory);
  bool is_found = mount >= 0 && mount == mount_of(root);
  for (int i = 0; i < own_count && mount >= 0; i++)
    is_found = is_found || own_mounts[i] == mount;
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

// What is made in a container that is another's is his.
static void give_away(int parent, const char *name) {
  if (is_bundle)
    (void)!fchownat(parent, name, bundle.uid, bundle.gid, AT_SYMLINK_NOFOLLOW);
}

// Makes the missing parts of a guest path: directories, and at the end a directory or an empty file. What a link that
// leads nowhere names is made where it points to, inside the root.
static int create_target(const char *path, bool is_directory, int links) {
  char prefix[4096];
  if (snprintf(prefix, sizeof prefix, "%s", path) >= (int)sizeof prefix) {
    errno = ENAMETOOLONG;
    return -1;
  }
  if (links > 40) {
    errno = ELOOP;
    return -1;
  }
  cleanup_fd int parent = fcntl(root, F_DUPFD_CLOEXEC, 3);
  for (char *name = prefix + strspn(prefix, "/"); *name;) {
    char *end = name + strcspn(name, "/"), *next = end + strspn(end, "/"), kept = *end;
    *end = 0;
    bool is_last = *next == 0;
    int fd = resolve_in_root(root, prefix);
    if (fd < 0 && errno == ENOENT) {
      if (!is_own(parent)) {
        errno = EXDEV;
        return -1;
      }
      cleanup_fd int file = -1;
      bool is_made = is_last && !is_directory
                         ? (file = openat(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644)) >= 0
                         : mkdirat(parent, name, 0755) == 0;
      char target[4096];
      if (is_made)
        give_away(parent, name);
      else if (errno != EEXIST)
        return -1;
      else if (follow_dangling(parent, prefix, name, next, target))
        return create_target(target, is_directory, links + 1);
      fd = resolve_in_root(root, prefix);
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

// Whether a mount point is part of the container's own file systems, and no volume, /proc or /sys: a directory by itself,
// anything else by the directory that holds it.
static bool is_in_bundle(int target) {
  char path[32], real[4096];
  struct stat st, of[3];
  if (fstat(target, &st) != 0)
    return false;
  snprintf(path, sizeof path, "/proc/self/fd/%d", target);
  ssize_t n = S_ISDIR(st.st_mode) ? 0 : readlink(path, real, sizeof real - 1);
  if (n > 0) {
    real[n] = 0;
    char *slash = strrchr(real, '/');
    *(slash == real ? slash + 1 : slash) = 0;
    if (stat(real, &st) != 0)
      return false;
  }
  cleanup_fd int dev = resolve_in_root(root, "/dev");
  bool is_found = n == 0 && mount_of(target) == mount_of(root);
  if (fstat(root, &of[0]) == 0)
    is_found = is_found || st.st_dev == of[0].st_dev;
  if (dev >= 0 && fstat(dev, &of[1]) == 0)
    is_found = is_found || st.st_dev == of[1].st_dev;
  return is_found || (stat("/tmp", &of[2]) == 0 && st.st_dev == of[2].st_dev);
}

// Opens a mount point, and makes it first where the record says so. -1 without a failure in *f: it may be left out.
static int open_target(const struct record *r, bool is_directory, const char *path, struct fail *f) {
  unsigned flags = (unsigned)rec_numbers(r)[0];
  int target = resolve_in_root(root, path);
  if (target < 0 && errno == ENOENT && (flags & MOUNT_CREATE))
    target = create_target(path, is_directory, 0);
  if (target < 0 && !((flags & MOUNT_OPTIONAL) && (errno == ENOENT || errno == ENOTDIR)))
    FAIL(f, r, "find the mount point", path);
  if (target >= 0 && is_bundle && !is_in_bundle(target)) {
    close(target);
    target = -1;
    errno = EXDEV;
    FAIL(f, r, "mount on", path);
  }
  return target;
}

// A process that already is where this one is to be: another's container.
static int join_process(const struct record *r, struct fail *f) {
  pid_t pid = (pid_t)rec_numbers(r)[0];
  cleanup_fd int pidfd = pidfd_of(pid);
  if (join_namespaces(pidfd, pid, CLONE_NEWUSER | CLONE_NEWNS) != 0)
    return FAIL(f, r, "enter the namespaces of the process of", rec_string(r, 0));
  return 0;
}

// A copy of all that is mounted on "/" has on top what build has put there, the new root: that comes off again.
static int uncover(const char *path) {
  for (int i = 0; i < stacked; i++) {
    char name[32];
    cleanup_fd int top = resolve_in_root(root, path);
    snprintf(name, sizeof name, "/proc/self/fd/%d", top);
    if (top < 0 || umount2(name, MNT_DETACH) != 0)
      return -1;
  }
  return 0;
}

// Looks at files as the container's user, or as this process again. Capabilities over files go and come with the user
// id; the one to mount stays.
static int look_as_user(bool is_user) {
  static gid_t own[65536];
  static int own_count_of_groups;
  if (!is_bundle || (bundle.uid == 0 && bundle.gid == 0))
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

// The container that an OCI runtime calls this for: in its mount namespace, but before its root is entered.
static int root_bundle(const struct record *r, struct fail *f) {
  if (bundle_read(r, &bundle, f) != 0)
    return -1;
  root = openat(AT_FDCWD, bundle.root, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (root < 0)
    return FAIL(f, r, "open the container's root,", bundle.root);
  is_bundle = true;
  umask(022);
  // A /dev that was made for the container is its own; the machine's is not.
  struct stat host, its;
  cleanup_fd int dev = resolve_in_root(root, "/dev");
  if (dev >= 0 && stat("/dev", &host) == 0 && fstat(dev, &its) == 0 && host.st_dev != its.st_dev)
    own_mounts[own_count++] = mount_of(dev);
  return 0;
}

// Takes the new root from "/" to a path that hooks can name, with all that is mounted in it.
static int show_root(const struct record *r, struct fail *f) {
  char name[32];
  snprintf(name, sizeof name, "/proc/self/fd/%d", root);
  if (mount(name, rec_string(r, 0), NULL, MS_MOVE, NULL) != 0)
    return FAIL(f, r, "show the new root at", rec_string(r, 0));
  stacked = 0;
  return 0;
}

static int bind_mount(const struct record *r, struct fail *f) {
  const char *source = rec_string(r, 0), *path = rec_string(r, 1);
  unsigned flags = (unsigned)rec_numbers(r)[0];
  char inside[32];
  cleanup_fd int place = flags & MOUNT_INSIDE ? resolve_in_root(root, source) : -1;
  snprintf(inside, sizeof inside, "/proc/self/fd/%d", place);
  cleanup_fd int tree = flags & MOUNT_INSIDE && place < 0
                            ? -1
                            : open_source(flags & MOUNT_INSIDE ? inside : source, flags & MOUNT_RECURSIVE);
  if (tree < 0 && (flags & MOUNT_OPTIONAL) && (errno == ENOENT || errno == ENOTDIR || errno == EACCES))
    return 0;
  struct stat st;
  if (tree < 0 || fstatat(tree, "", &st, K_AT_EMPTY_PATH) != 0)
    return FAIL(f, r, "open", source);
  errno = 0;
  if (r->operation == OP_DEVICE && !S_ISCHR(st.st_mode) && !S_ISBLK(st.st_mode))
    return FAIL(f, r, "use as a device what is none,", source);
  cleanup_fd int target = open_target(r, S_ISDIR(st.st_mode), path, f);
  if (target < 0)
    return f->step ? -1 : 0;
  int mounted = tree_attach(tree, target, root, path);
  struct stat on;
  // The kernel calls a file on a directory, or the reverse, no more than invalid.
  if (mounted < 0 && errno == EINVAL)
    errno = fstatat(target, "", &on, K_AT_EMPTY_PATH) == 0 && S_ISDIR(on.st_mode) != S_ISDIR(st.st_mode) ? ENOTDIR : EINVAL;
  if (mounted < 0)
    return FAIL(f, r, "mount on", path);
  if ((flags & (MOUNT_RECURSIVE | MOUNT_INSIDE)) == MOUNT_RECURSIVE && source[strspn(source, "/")] == 0 &&
      uncover(path) != 0)
    return FAIL(f, r, "uncover the mount on", path);
  if (mounted != tree) { // by an older kernel, and perhaps of what was on top
    close(mounted);
    mounted = resolve_in_root(root, path);
  }
  int status = tree_set(mounted, flags, flags & MOUNT_RECURSIVE);
  snprintf(inside, sizeof inside, "/proc/self/fd/%d", mounted);
  // Elsewhere nothing passes between this mount namespace and the one it was made from.
  if (status == 0 && is_bundle)
    status = mount(NULL, inside, NULL, MS_PRIVATE | MS_REC, NULL);
  if (status != 0)
    FAIL(f, r, "restrict the mount on", path);
  else if (r->operation == OP_DEVICE && (status = allow_device(st.st_mode, st.st_rdev, (unsigned)rec_numbers(r)[1])) != 0)
    FAIL(f, r, "allow the container to use", source);
  if (mounted != tree)
    close(mounted);
  return status;
}

static int squashfuse(const struct record *r, struct fail *f) {
  const char *path = rec_string(r, 2);
  cleanup_fd int target = open_target(r, true, path, f);
  if (target < 0)
    return f->step ? -1 : 0;
  cleanup_fd int mounted = mount_squashfuse(r, target, root, path, f);
  return mounted < 0 ? -1 : 0;
}

static int process_files(const struct record *r, struct fail *f) {
  const char *const options[][2] = {{NULL, NULL}};
  cleanup_fd int target = resolve_in_root(root, "/proc");
  cleanup_fd int tree =
      target < 0 ? -1 : mount_new("proc", options, MOUNT_NOSUID | MOUNT_NODEV | MOUNT_NOEXEC, target, root, "/proc");
  return tree < 0 ? FAIL(f, r, "mount", "/proc") : 0;
}

static int temporary(const struct record *r, struct fail *f) {
  const uint64_t *n = rec_numbers(r);
  const char *path = rec_string(r, 0);
  char size[24], mode[16];
  snprintf(size, sizeof size, "%llu", (unsigned long long)n[1]);
  snprintf(mode, sizeof mode, "%llo", (unsigned long long)n[2]);
  const char *const options[][2] = {{"mode", mode}, {n[1] ? "size" : NULL, size}, {NULL, NULL}}; // 0: the kernel's default
  cleanup_fd int target = open_target(r, true, path, f);
  if (target < 0)
    return f->step ? -1 : 0;
  cleanup_fd int tree = mount_new("tmpfs", options, (unsigned)n[0], target, root, path);
  if (tree < 0)
    return FAIL(f, r, "mount a tmpfs on", path);
  if (own_count < OWN_MOUNTS_MAX)
    own_mounts[own_count++] = mount_of(tree);
  return 0;
}

// Puts the new root, with all that is mounted in it, at a path of the caller's own mount namespace, and goes back there.
// Until this one step nothing of it is mounted anywhere but in a namespace that goes with this process.
static int leave_at(const struct record *r, struct fail *f) {
  const char *path = rec_string(r, 0);
  char name[32];
  snprintf(name, sizeof name, "/proc/self/fd/%d", root);
  cleanup_fd int tree = (int)syscall(SYS_open_tree, AT_FDCWD, name, K_OPEN_TREE_CLONE | O_CLOEXEC | K_AT_RECURSIVE);
  if (tree < 0 || callers_mounts < 0 || setns(callers_mounts, CLONE_NEWNS) != 0)
    return FAIL(f, r, "take out", "the new root");
  cleanup_fd int target = openat(AT_FDCWD, path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (target < 0)
    return FAIL(f, r, "open", path);
  if (tree_attach(tree, target, -1, path) < 0)
    return FAIL(f, r, "mount on", path);
  close(root);
  return 0;
}

// Leaves the old root. Where the caller's root is the initial ramfs, as on diskless nodes, it can't be pivoted (EINVAL):
// the new root, which is mounted on top of it, is entered by chroot alone.
static int enter(const struct record *r, struct fail *f) {
  if (fchdir(root) != 0)
    return FAIL(f, r, "enter", "the new root");
  if (syscall(SYS_pivot_root, ".", ".") == 0) {
    if (umount2(".", MNT_DETACH) != 0)
      return FAIL(f, r, "leave", "the old root");
  } else if (errno != EINVAL || chroot(".") != 0)
    return FAIL(f, r, "pivot to", "the new root");
  if (chdir("/") != 0)
    return FAIL(f, r, "enter", "/");
  close(root);
  return 0;
}

// Executes the construct records from `from` up to `to`. 0, or -1 with *f.
int build(const struct record *from, const struct record *to, struct fail *f) {
  bool has_root = false;
  caller_uid = geteuid();
  caller_gid = getegid();
  for (const struct record *r = from; r < to; r = rec_next(r))
    if ((r->operation == OP_ROOT_SQUASHFUSE || r->operation == OP_SQUASHFUSE) && *rec_string(r, 1) &&
        start_server(r, f) != 0)
      return -1;
  for (const struct record *r = from; r < to; r = rec_next(r)) {
    int status = 0;
    switch (r->operation) {
    case OP_NAMESPACES:
      status = enter_namespaces(r, f);
      break;
    case OP_JOIN:
      status = join_process(r, f);
      break;
    case OP_PROC:
      status = process_files(r, f);
      break;
    case OP_ROOT_HOST:
      root = openat(AT_FDCWD, "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
      status = root < 0 ? FAIL(f, r, "open", "/") : 0;
      break;
    case OP_ROOT_BUNDLE:
      status = root_bundle(r, f);
      break;
    case OP_ROOT_DIRECTORY:
      has_root = true;
      status = root_directory(r, f);
      break;
    case OP_ROOT_SQUASHFUSE:
      has_root = true;
      status = *rec_string(r, 1) ? root_squashfuse(r, f) : root_squashfs(r, f);
      break;
    case OP_SQUASHFUSE:
      status = squashfuse(r, f);
      break;
    case OP_OVERLAY:
      status = overlay(r, f);
      break;
    case OP_BIND:
    case OP_DEVICE:
      status = bind_mount(r, f);
      break;
    case OP_TMPFS:
      status = temporary(r, f);
      break;
    case OP_ROOT_READ_ONLY:
      if (tree_set(root, MOUNT_READ_ONLY, false) != 0)
        status = FAIL(f, r, "make read-only", "the root");
      break;
    case OP_SHOW_ROOT:
      status = show_root(r, f);
      break;
    case OP_HOOK:
      if (rec_numbers(r)[0] <= HOOK_CREATE_CONTAINER)
        status = hook(r, f);
      break;
    case OP_ENTER:
      if (r->strings)
        status = leave_at(r, f);
      else if (has_root)
        status = enter(r, f);
      else if (is_bundle && fchdir(root) != 0) // entering it is the runtime's part
        status = FAIL(f, r, "change to", bundle.root);
      else
        close(root);
      root = -1;
      break;
    default:
      break;
    }
    if (status != 0)
      return -1;
  }
  return 0;
}
