// SPDX-License-Identifier: Apache-2.0
// One FUSE mount for all ranks of a node: how a rank finds the holder of its plan (holder.c), or starts it, and enters its
// namespaces by pidfd.
//
// Nothing of this is needed for correctness once a rank has joined: the kernel keeps a mount namespace for as long as
// a process is in it, the FUSE server is in none of these namespaces, and it ends when its mount goes with the last of
// them. A holder that is killed therefore harms nobody. It only decides how long the mount outlives its last rank.
#include "holder.h"
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>

enum { TRIES = 8, JOIN_SECONDS = 30 };

// What a rank has learnt from the holder that it joined: how many of its group are still to come.
static uint64_t peers_left;
static pid_t holder_pid;

// What is mounted stays what it was: a holder that was built before a directory or file was replaced shows the old one
// for as long as it lives, and it keeps the old one's inode from being used again.
static uint64_t hash_sources(uint64_t hash, const struct record *hold) {
  for (const struct record *r = hold; r->operation != OP_HELD; r = rec_next(r)) {
    struct stat st;
    if (r->operation != OP_BIND && r->operation != OP_ROOT_DIRECTORY && r->operation != OP_ROOT_SQUASHFUSE &&
        r->operation != OP_SQUASHFUSE)
      continue;
    if (r->operation == OP_BIND && rec_numbers(r)[0] & MOUNT_INSIDE)
      continue;
    bool is_there = fstatat(AT_FDCWD, rec_string(r, 0), &st, 0) == 0;
    uint64_t place[2] = {is_there ? st.st_dev : 0, is_there ? st.st_ino : 0};
    hash = fnv(hash, place, sizeof place);
  }
  return hash;
}

// The socket's name: the plan's key, and what its scope is now. Ranks of different job steps may end at different times,
// and the resource manager then kills what a step left behind: they must not share a holder. Nor must who is in another
// mount namespace: he would leave it, and from a user namespace of his own he could not.
static void holder_name(const struct record *hold, char name[NAME_SIZE]) {
  uint64_t hash = FNV_SEED;
  struct stat here = {0};
  if (fstatat(AT_FDCWD, "/proc/self/ns/mnt", &here, 0) == 0)
    hash = fnv(hash, &here.st_ino, sizeof here.st_ino);
  for (int i = 1; i < hold->strings; i++) {
    const char *scope = rec_string(hold, i), *value = getenv(scope);
    if (strcmp(scope, SCOPE_SOURCES) == 0)
      hash = hash_sources(hash, hold);
    if (strcmp(scope, SCOPE_PARENT) == 0) {
      pid_t parent = getppid();
      hash = fnv(hash, &parent, sizeof parent);
    }
    hash = fnv(hash, value ? value : "", value ? strlen(value) + 1 : 0);
    hash = fnv(hash, "=", 1);
    hash = fnv(hash, scope, strlen(scope));
  }
  snprintf(name, NAME_SIZE, "h-%.32s-%016llx", rec_string(hold, 0), (unsigned long long)hash);
}

// Joins a holder that listens. 0; 1 when there is none; -1 with errno. In a counted group the holder says who belongs
// to it: it may be complete while this process waits in its queue.
static int join(const char *name, bool is_counted) {
  struct sockaddr_un a = address_of(name);
  cleanup_fd int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (s < 0)
    return -1;
  if (connect(s, (struct sockaddr *)&a, sizeof a) != 0)
    return errno == ENOENT || errno == ECONNREFUSED ? 1 : -1;
  pid_t pid = 0;
  cleanup_fd int pidfd = peer_pidfd(s, &pid);
  // Before SO_PEERPIDFD (6.5) a pid might have been used again. A holder keeps its end open until the other is closed:
  // while that is so it is alive, and the pid is its own.
  struct timeval patience = {JOIN_SECONDS, 0};
  if (is_counted)
    setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  ssize_t n = recv(s, &peers_left, sizeof peers_left, is_counted ? MSG_WAITALL : MSG_DONTWAIT);
  bool is_open = n < 0 && errno == EAGAIN;
  if (is_counted && is_open) {
    errno = ETIMEDOUT;
    return -1;
  }
  if (is_counted ? n != sizeof peers_left : !is_open)
    return 1;
  holder_pid = pid;
  if (join_namespaces(pidfd, pid, CLONE_NEWUSER | CLONE_NEWNS) == 0)
    return 0;
  return errno == ESRCH || errno == ENOENT ? 1 : -1;
}

// Starts a holder and waits until it is ready.
static int start_holder(const struct plan *plan, int dir, const char *name, struct fail *f) {
  int pair[2];
  if (pipe2(pair, O_CLOEXEC) != 0)
    return FAIL(f, plan->hold, "make a pipe", "");
  int forked = fork_away();
  if (forked == 0)
    become_holder(plan, dir, name, pair[1]);
  close(pair[1]);
  // What a failed holder sends points into the plan and into this program's text: both are at the same place here.
  ssize_t n = forked < 0 ? -1 : read(pair[0], f, sizeof *f);
  close(pair[0]);
  if (n != sizeof *f) {
    errno = n < 0 ? errno : ECHILD;
    return FAIL(f, plan->hold, "start a holder", "");
  }
  return f->step ? -1 : 0;
}

// Whether the plan wants a holder here: a plan for ranks that may be alone says which variables tell that they are not.
bool is_held(const struct plan *plan) {
  if (!plan->hold || !plan->hold_when)
    return plan->hold;
  for (int i = 0; i < plan->hold_when->strings; i++)
    if (getenv(rec_string(plan->hold_when, i)))
      return true;
  return false;
}

int open_lock(const char *name) {
  char lock_name[NAME_SIZE];
  snprintf(lock_name, sizeof lock_name, "l%s", name + 1);
  return openat(AT_FDCWD, lock_name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
}

static void wake(int signal) { (void)signal; }

// Waits for a lock; in a counted group, whose ranks wait for one another, no longer than Charliecloud's do.
static int lock_file(int fd, bool is_counted) {
  if (!is_counted)
    return flock(fd, LOCK_EX);
  struct sigaction late = {.sa_handler = wake}, before;
  sigaction(SIGALRM, &late, &before);
  unsigned left = alarm(JOIN_SECONDS);
  int status = flock(fd, LOCK_EX), error = errno == EINTR ? ETIMEDOUT : errno;
  alarm(left);
  sigaction(SIGALRM, &before, NULL);
  errno = error;
  return status;
}

// In Charliecloud's words, which its users look for with `-v`.
static int say_joined(const struct plan *plan, const char *name, bool has_won) {
  const char *face = rec_string(plan->first, 0);
  trace_say("joined holder %s", name);
  if (plan->header->style != STYLE_CHARLIECLOUD_VERBOSE || rec_numbers(plan->hold)[1] == 0)
    return 0;
  int self = (int)getpid();
  complain("%s[%d]: join: I %s (%s:%d)", face, self, has_won ? "won" : "lost", __FILE_NAME__, __LINE__);
  if (has_won)
    complain("%s[%d]: join: winner initializing shared data (%s:%d)", face, self, __FILE_NAME__, __LINE__);
  complain("%s[%d]: joining namespaces of pid %d (%s:%d)", face, self, (int)holder_pid, __FILE_NAME__, __LINE__);
  complain("%s[%d]: join: %llu peers left excluding myself (%s:%d)", face, self, (unsigned long long)peers_left, __FILE_NAME__,
           __LINE__);
  if (peers_left == 0)
    complain("%s[%d]: join: cleaning up IPC resources (%s:%d)", face, self, __FILE_NAME__, __LINE__);
  complain("%s[%d]: join: done (%s:%d)", face, self, __FILE_NAME__, __LINE__);
  return 0;
}

// Why this process did not get into the group, or to its image.
static int not_joined(const struct plan *plan, bool is_counted, struct fail *f) {
  if (is_counted && errno == ETIMEDOUT) {
    errno = 0;
    return FAIL(f, plan->hold, "join the peer group: timeout waiting for join lock", "");
  }
  return FAIL(f, plan->hold, "join the holder of", plan->subject);
}

// Leaves this process in the held namespaces of the plan, whoever built them. The working directory is lost.
int hold_and_join(const struct plan *plan, int dir, struct fail *f) {
  char name[NAME_SIZE];
  bool is_counted = rec_numbers(plan->hold)[1] > 0, has_won = false;
  cleanup_fd int lock = -1;
  holder_name(plan->hold, name);
  if (dir < 0 || fchdir(dir) != 0)
    return FAIL(f, plan->hold, "enter", "the directory for plans");
  for (int i = 0; i < TRIES; i++) {
    int status = join(name, is_counted);
    if (status == 0)
      return say_joined(plan, name, has_won);
    if (status < 0)
      return not_joined(plan, is_counted, f);
    // Who has the lock starts one; but while it was waited for, another may have done so.
    if (lock < 0) {
      lock = open_lock(name);
      if (lock < 0 || lock_file(lock, is_counted) != 0)
        return errno == ETIMEDOUT ? not_joined(plan, is_counted, f)
                                  : FAIL(f, plan->hold, "get the lock of", "the directory for plans");
      continue;
    }
    trace_say("starting holder %s", name);
    if (start_holder(plan, dir, name, f) != 0)
      return -1;
    has_won = true;
  }
  errno = ESRCH;
  return not_joined(plan, is_counted, f);
}
