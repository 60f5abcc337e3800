// SPDX-License-Identifier: Apache-2.0
// FUSE servers: one for each image, in the order of the records. They are processes in the caller's own namespaces, so
// that they keep nothing mounted themselves, and wait there for the image and for the kernel's end.
#include "construct.h"
#include "kernel.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static int server_sockets[SERVERS_MAX], used_servers;
int server_pidfds[SERVERS_MAX], server_count;

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

// They stand on the lowest numbers that are free.
static int receive_descriptors(int socket) {
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
  return c && c->cmsg_type == SCM_RIGHTS && c->cmsg_len == CMSG_LEN(2 * sizeof(int)) ? 0 : -1;
}

static _Noreturn void become_server(int socket, const char *program) {
  pid_t self = getpid();
  // The image is to be 3, the kernel's end 4.
  stand_apart((int[]){-1, -1, socket}, 3, true);
  socket = APART + 2;
  if (write(socket, &self, sizeof self) != sizeof self || receive_descriptors(socket) != 0)
    _exit(0); // nobody needs a server any more
  if (chdir("/") == 0)
    execve(program, (char *[]){"squashfuse_ll", "-f", "/dev/fd/3", "/dev/fd/4", NULL}, (char *[]){NULL});
  int error = errno;
  _exit(write(socket, &error, sizeof error) < 0);
}

int start_server(const struct record *r, struct fail *f) {
  int pair[2];
  if (server_count == SERVERS_MAX) {
    errno = EMFILE;
    return FAIL(f, r, "start one FUSE server more, for", rec_string(r, 0));
  }
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
    return FAIL(f, r, "make a socket for the FUSE server of", rec_string(r, 0));
  int forked = fork_away();
  if (forked == 0)
    become_server(pair[1], rec_string(r, 1));
  close(pair[1]);
  pid_t server = 0;
  if (forked < 0 || recv(pair[0], &server, sizeof server, 0) != sizeof server) {
    FAIL(f, r, "start the FUSE server of", rec_string(r, 0));
    close(pair[0]);
    return -1;
  }
  server_sockets[server_count] = pair[0];
  server_pidfds[server_count++] = pidfd_of(server);
  return 0;
}

// Mounts the image of a record on `target`, which is `path` in `in` as for tree_attach, and has the next server serve it.
// A descriptor of the mount, or -1.
int mount_squashfuse(struct construction *c, const struct record *r, int target, int in, const char *path, struct fail *f) {
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
  snprintf(uid, sizeof uid, "%u", c->inner_uid);
  snprintf(gid, sizeof gid, "%u", c->inner_gid);
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
