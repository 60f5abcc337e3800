// SPDX-License-Identifier: Apache-2.0
// What a holder (holder.c) and the ranks that join it (join.c) have in common: the holder's name in the directory for plans,
// which is its socket's, and who is at the other end of that.
#pragma once
#include "kernel.h"
#include "launch.h"
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>

enum { NAME_SIZE = 80 };

static inline struct sockaddr_un address_of(const char *name) {
  struct sockaddr_un a = {.sun_family = AF_UNIX};
  snprintf(a.sun_path, sizeof a.sun_path, "%s", name);
  return a;
}

static inline int peer_pidfd(int socket, pid_t *pid) {
  struct ucred peer;
  socklen_t n = sizeof peer;
  if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &n) != 0)
    return -1;
  *pid = peer.pid;
  int fd;
  n = sizeof fd;
  return getsockopt(socket, SOL_SOCKET, K_SO_PEERPIDFD, &fd, &n) == 0 ? fd : pidfd_of(peer.pid);
}

_Noreturn void become_holder(const struct plan *plan, int dir, const char *name, int report_to);
