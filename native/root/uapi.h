// SPDX-License-Identifier: Apache-2.0
// What ../launcher/kernel.h is for the launcher: constants and structures of the kernel's uapi headers, for loop devices and
// BPF programs.
#pragma once
#include "../launcher/kernel.h"

enum {
  K_LOOP_CONFIGURE = 0x4C0A,
  K_LOOP_CTL_GET_FREE = 0x4C82,
  K_LO_FLAGS_READ_ONLY = 1,
  K_LO_FLAGS_AUTOCLEAR = 4,
};

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
