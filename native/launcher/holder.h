// SPDX-License-Identifier: Apache-2.0
// What a holder (holder.c) and the ranks that join it (join.c) have in common: the name of its socket in the directory for
// plans, where both are, and the lock of that name.
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

int open_lock(const char *name);
_Noreturn void become_holder(const struct plan *plan, int dir, const char *name, int report_to);
