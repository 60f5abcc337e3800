// SPDX-License-Identifier: Apache-2.0
// What a program is denied: limits, capabilities, system calls, descriptors.
#include "kernel.h"
#include "launch.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>

static int drop_capabilities(uint64_t keep) {
  for (int i = 0; i < 64; i++)
    if (!(keep >> i & 1) && prctl(PR_CAPBSET_DROP, i, 0, 0, 0) != 0 && errno != EINVAL) // EINVAL: the kernel has no such
      return -1;
  prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  struct k_cap_header header = {K_CAP_VERSION, 0};
  struct k_cap_data data[2];
  if (syscall(SYS_capget, &header, data) != 0)
    return -1;
  for (int i = 0; i < 2; i++) {
    uint32_t mask = (uint32_t)(keep >> (32 * i));
    data[i].effective &= mask;
    data[i].permitted &= mask;
    data[i].inheritable = 0;
  }
  return (int)syscall(SYS_capset, &header, data);
}

// Has execve close everything but 0, 1, 2 and the listed descriptors, which stand in ascending order.
static int close_others(const struct record *r) {
  unsigned first = 3;
  for (int i = 1; i < r->numbers; i++) {
    unsigned kept = (unsigned)rec_numbers(r)[i];
    if (kept < first)
      continue;
    if (close_between(first, kept - 1, true) != 0)
      return -1;
    first = kept + 1;
  }
  return close_between(first, ~0u, true);
}

// A failure to start the program is told all the same.
static int drop_output(const struct record *r) {
  cleanup_fd int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
  for (int i = 0; i < r->numbers && null >= 0; i++) {
    int fd = (int)rec_numbers(r)[i];
    if (fd == 2)
      report_fd = fcntl(2, F_DUPFD_CLOEXEC, 3);
    if (dup2(null, fd) < 0)
      return -1;
  }
  return null < 0 ? -1 : 0;
}

static int filter_calls(const struct record *r) {
  struct k_filter program = {r->numbers, rec_numbers(r)};
  return prctl(PR_SET_SECCOMP, K_SECCOMP_MODE_FILTER, &program, 0, 0);
}

int confine(const struct record *r, struct fail *f) {
  const uint64_t *n = rec_numbers(r);
  switch (r->operation) {
  case OP_LIMIT: {
    struct rlimit limit = {n[1], n[2]};
    return setrlimit((int)n[0], &limit) == 0 ? 0 : FAIL(f, r, "set a resource limit", "");
  }
  case OP_DESCRIPTORS:
    return close_others(r) == 0 ? 0 : FAIL(f, r, "close descriptors", "");
  case OP_DISCARD:
    return drop_output(r) == 0 ? 0 : FAIL(f, r, "open", "/dev/null");
  case OP_CAPABILITIES:
    return drop_capabilities(n[0]) == 0 ? 0 : FAIL(f, r, "drop capabilities", "");
  case OP_NO_NEW_PRIVS:
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 ? 0 : FAIL(f, r, "set no_new_privs", "");
  case OP_SECCOMP:
    return filter_calls(r) == 0 ? 0 : FAIL(f, r, "install a seccomp filter", "");
  default:
    return 0;
  }
}
