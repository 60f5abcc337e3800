// SPDX-License-Identifier: Apache-2.0
// System calls and constants that the C library of the build may not know. Numbers are the generic ones, which x86-64
// and arm64 share for everything that is newer than Linux 5.0; values are those of the kernel's uapi headers.
#pragma once
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_open_tree
#define SYS_open_tree 428
#define SYS_move_mount 429
#define SYS_fsopen 430
#define SYS_fsconfig 431
#define SYS_fsmount 432
#endif
#ifndef SYS_close_range
#define SYS_close_range 436
#endif
#ifndef SYS_openat2
#define SYS_openat2 437
#endif
#ifndef SYS_mount_setattr
#define SYS_mount_setattr 442
#endif

enum {
  K_OPEN_TREE_CLONE = 1,
  K_MOVE_MOUNT_F_EMPTY_PATH = 0x04,
  K_MOVE_MOUNT_T_EMPTY_PATH = 0x40,
  K_AT_EMPTY_PATH = 0x1000,
  K_AT_RECURSIVE = 0x8000,
  K_FSOPEN_CLOEXEC = 1,
  K_FSMOUNT_CLOEXEC = 1,
  K_FSCONFIG_SET_FLAG = 0,
  K_FSCONFIG_SET_STRING = 1,
  K_FSCONFIG_CMD_CREATE = 6,
  K_MOUNT_ATTR_RDONLY = 1,
  K_MOUNT_ATTR_NOSUID = 2,
  K_MOUNT_ATTR_NODEV = 4,
  K_MOUNT_ATTR_NOEXEC = 8,
  K_RESOLVE_NO_MAGICLINKS = 0x02,
  K_RESOLVE_IN_ROOT = 0x10,
  K_SO_PEERPIDFD = 77,
  K_CLOSE_RANGE_CLOEXEC = 4,
  K_SECCOMP_MODE_FILTER = 2,
};

struct k_open_how {
  uint64_t flags, mode, resolve;
};

struct k_mount_attr {
  uint64_t attr_set, attr_clr, propagation, userns_fd;
};

struct k_cap_header {
  uint32_t version; // K_CAP_VERSION: 64 bits of capabilities, in two halves
  int pid;
};
struct k_cap_data {
  uint32_t effective, permitted, inheritable;
};
#define K_CAP_VERSION 0x20080522

// A BPF program for seccomp(2): each instruction is eight bytes.
struct k_filter {
  unsigned short length;
  const void *instructions;
};
