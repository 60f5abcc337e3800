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
  K_LOOP_CONFIGURE = 0x4C0A,
  K_LOOP_CTL_GET_FREE = 0x4C82,
  K_LO_FLAGS_READ_ONLY = 1,
  K_LO_FLAGS_AUTOCLEAR = 4,
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

// loop(4)'s loop_info64.
struct k_loop_info {
  uint64_t device, inode, rdevice, offset, size_limit;
  uint32_t number, encrypt_type, encrypt_key_size, flags;
  uint8_t file_name[64], crypt_name[64], encrypt_key[32];
  uint64_t init[2];
};
struct k_loop_config {
  uint32_t fd, block_size;
  struct k_loop_info info;
  uint64_t reserved[8];
};

// A BPF program for seccomp(2): each instruction is eight bytes.
struct k_filter {
  unsigned short length;
  const void *instructions;
};

// bpf(2): commands, constants, and of its attributes the parts that are used.
enum {
  K_BPF_PROG_LOAD = 5,
  K_BPF_PROG_ATTACH = 8,
  K_BPF_PROG_DETACH = 9,
  K_BPF_PROG_GET_FD_BY_ID = 13,
  K_BPF_OBJ_GET_INFO_BY_FD = 15,
  K_BPF_PROG_QUERY = 16,
  K_BPF_PROG_TYPE_CGROUP_DEVICE = 15,
  K_BPF_CGROUP_DEVICE = 6,
  K_BPF_F_ALLOW_MULTI = 2,
  K_BPF_F_REPLACE = 4,
};

struct k_bpf_insn {
  uint8_t code, registers; // destination, then source
  int16_t offset;
  int32_t immediate;
};
struct k_bpf_load_attr {
  uint32_t type, count;
  uint64_t instructions, license;
};
struct k_bpf_attach_attr {
  uint32_t target, program, type, flags, replaced;
};
struct k_bpf_id_attr {
  uint32_t id, next_id, open_flags;
};
struct k_bpf_info_attr {
  uint32_t fd, length;
  uint64_t info;
};
struct k_bpf_query_attr {
  uint32_t target, type, query_flags, attach_flags;
  uint64_t ids;
  uint32_t count;
};
struct k_bpf_prog_info {
  uint32_t type, id;
  uint8_t tag[8];
  uint32_t jited_length, translated_length;
  uint64_t jited, translated;
};
