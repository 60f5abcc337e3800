// SPDX-License-Identifier: Apache-2.0
// A holder: this program in a process of its own, which builds the held part of a plan once and keeps the namespaces for
// the ranks that join it (join.c).
#include "holder.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

// Whoever sweeps the directory for plans takes what is a week old for left over.
enum { EXPECTED_MS = 10000, DAY_MS = 24 * 3600 * 1000 };

static struct {
  int dir, lock, listener, poller;
  const char *name;
  struct stat ours; // of the socket
  uint64_t linger_ms;
  bool is_counted;
  uint64_t peers; // of a counted group, those that are still to come
  int ranks;
} self;

// Reports when `fd` can be read, and then `other` with it.
enum { NOTHING = -1, SERVER = -2 };
static int watch(int fd, int other) {
  struct epoll_event e = {.events = EPOLLIN, .data.u64 = (uint64_t)(uint32_t)other << 32 | (uint32_t)fd};
  return epoll_ctl(self.poller, EPOLL_CTL_ADD, fd, &e);
}

// Who comes next finds no holder, or another.
static void give_up_name(void) {
  struct stat st;
  if (fstatat(self.dir, self.name, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_ino == self.ours.st_ino &&
      st.st_dev == self.ours.st_dev)
    unlinkat(self.dir, self.name, 0);
}

// Takes no more ranks, and ends with the last of those that it has.
static void close_group(void) {
  give_up_name();
  close(self.listener);
  self.listener = -1;
  self.linger_ms = 0;
}

static void admit_ranks(void) {
  while (self.listener >= 0) {
    int s = accept4(self.listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (s < 0) {
      if (errno == EMFILE || errno == ENFILE) // there is nothing left to count them by
        close_group();
      return;
    }
    char none;
    if (self.is_counted && recv(s, &none, 1, MSG_PEEK) == 0) { // who waits for an answer, and gave up
      close(s);
      continue;
    }
    // Its end is what counts; without pidfds (before 5.3), that it has become its program, which closes the socket.
    pid_t pid;
    int rank = peer_pidfd(s, &pid);
    if (watch(rank < 0 ? s : rank, rank < 0 ? NOTHING : s) == 0)
      self.ranks++;
    if (!self.is_counted)
      continue;
    if (--self.peers == 0)
      close_group();
    (void)!send(s, &self.peers, sizeof self.peers, MSG_NOSIGNAL);
  }
}

// Serves until no rank is left for the linger time, or a FUSE server has ended. A counted group is left to itself when it
// is complete.
static _Noreturn void serve(void) {
  struct rlimit files;
  if (fstatat(self.dir, self.name, &self.ours, AT_SYMLINK_NOFOLLOW) != 0)
    _exit(1);
  if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
  }
  self.poller = epoll_create1(EPOLL_CLOEXEC);
  watch(self.listener, NOTHING);
  for (int i = 0; i < server_count; i++)
    watch(server_pidfds[i], SERVER);
  // The rank that started this holder is on its way, even when nothing is to linger.
  for (bool is_expecting = true;;) {
    struct epoll_event events[64];
    bool is_staying = !is_expecting && (self.ranks > 0 || self.linger_ms == UINT64_MAX);
    int linger = self.linger_ms > INT32_MAX ? INT32_MAX : (int)self.linger_ms;
    int n = epoll_wait(self.poller, events, 64, is_expecting ? EXPECTED_MS : is_staying ? DAY_MS : linger);
    if (n < 0 && errno != EINTR)
      _exit(1);
    for (int i = 0; i < n; i++) {
      int fd = (int)(uint32_t)events[i].data.u64, other = (int)(events[i].data.u64 >> 32);
      if (other == SERVER) {
        give_up_name();
        _exit(1);
      }
      if (fd == self.listener) {
        is_expecting = false;
        admit_ranks();
        continue;
      }
      close(fd);
      if (other >= 0)
        close(other);
      self.ranks--;
    }
    if (n == 0 && is_staying)
      utimensat(self.dir, self.name, NULL, AT_SYMLINK_NOFOLLOW);
    else if (n == 0 && flock(self.lock, LOCK_EX | LOCK_NB) == 0)
      break;
    else if (n == 0)
      is_expecting = true; // who has the lock is on its way
  }
  // Nobody for the whole time. Whoever connects from here on finds no process to join, and starts anew.
  give_up_name();
  _exit(0);
}

_Noreturn void become_holder(const struct plan *plan, int dir, const char *name, int report_to) {
  struct fail f = {0};
  char temporary[NAME_SIZE + 16];
  stand_apart((int[]){dir, report_to}, 2, true);
  dir = APART, report_to = APART + 1;
  signal(SIGHUP, SIG_IGN);
  signal(SIGPIPE, SIG_IGN);
  prctl(PR_SET_NAME, "slipway-holder");
  snprintf(temporary, sizeof temporary, "%s.%d", name, (int)getpid());
  struct sockaddr_un a = address_of(temporary);
  int lock = fchdir(dir) == 0 ? open_lock(name) : -1;
  int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (lock < 0 || bind(listener, (struct sockaddr *)&a, sizeof a) != 0 || listen(listener, 4096) != 0)
    FAIL(&f, plan->hold, "listen on a socket in", "the directory for plans");
  else if (build(plan->first, plan->held, &f) == 0) {
    if (renameat(dir, temporary, dir, name) == 0) {
      (void)!write(report_to, &f, sizeof f);
      close(report_to);
      const uint64_t *n = rec_numbers(plan->hold);
      self.dir = dir, self.lock = lock, self.listener = listener, self.name = name;
      self.linger_ms = n[0], self.peers = n[1], self.is_counted = n[1] > 0;
      serve();
    }
    FAIL(&f, plan->hold, "name a socket in", "the directory for plans");
  }
  unlinkat(dir, temporary, 0);
  _exit(write(report_to, &f, sizeof f) < 0);
}
