// SPDX-License-Identifier: Apache-2.0
// Namespaces: new ones with the ids that hold in them, or those of a process that has them.
#include "construct.h"
#include "kernel.h"
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>

static int write_file(const char *path, const char *text) {
  cleanup_fd int fd = openat(AT_FDCWD, path, O_WRONLY | O_CLOEXEC);
  return fd < 0 || write(fd, text, strlen(text)) < 0 ? -1 : 0;
}

static void bring_loopback_up(void) {
  cleanup_fd int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
  if (s >= 0)
    (void)ioctl(s, SIOCSIFFLAGS, &request); // without it only loopback is missing
}

static int map_ids(const struct construction *c, const struct record *r, uid_t uid, gid_t gid, struct fail *f) {
  char map[48];
  if (write_file("/proc/self/setgroups", "deny") != 0 && errno != ENOENT)
    return FAIL(f, r, "write", "/proc/self/setgroups");
  snprintf(map, sizeof map, "%u %u 1", c->inner_uid, uid);
  if (write_file("/proc/self/uid_map", map) != 0)
    return FAIL(f, r, "write", "/proc/self/uid_map");
  snprintf(map, sizeof map, "%u %u 1", c->inner_gid, gid);
  if (write_file("/proc/self/gid_map", map) != 0)
    return FAIL(f, r, "write", "/proc/self/gid_map");
  return 0;
}

int enter_namespaces(struct construction *c, const struct record *r, struct fail *f) {
  const uint64_t *n = rec_numbers(r);
  int flags = (int)n[0];
  uid_t uid = geteuid();
  gid_t gid = getegid();
  c->inner_uid = n[1] == CALLERS_OWN_ID ? c->caller_uid : (uid_t)n[1];
  c->inner_gid = n[2] == CALLERS_OWN_ID ? c->caller_gid : (gid_t)n[2];
  if (unshare(flags) != 0)
    return FAIL(f, r, "make namespaces", "");
  // Without a user namespace of its own, what is mounted here would show outside.
  if ((flags & (CLONE_NEWUSER | CLONE_NEWNS)) == CLONE_NEWNS && mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) != 0)
    return FAIL(f, r, "keep to itself", "/");
  if (flags & CLONE_NEWUSER && map_ids(c, r, uid, gid, f) != 0)
    return -1;
  if (flags & CLONE_NEWNET)
    bring_loopback_up();
  if (flags & CLONE_NEWPID && enter_pid_namespace() != 0)
    return FAIL(f, r, "start a process in the new pid namespace", "");
  return 0;
}

// A process that already is where this one is to be: another's container.
int join_process(struct construction *c, const struct record *r, struct fail *f) {
  (void)c;
  pid_t pid = (pid_t)rec_numbers(r)[0];
  cleanup_fd int pidfd = pidfd_of(pid);
  if (join_namespaces(pidfd, pid, CLONE_NEWUSER | CLONE_NEWNS) != 0)
    return FAIL(f, r, "enter the namespaces of the process of", rec_string(r, 0));
  return 0;
}
