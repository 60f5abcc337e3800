// SPDX-License-Identifier: Apache-2.0
// Lets the container that this process is in use a device: a rule in its device cgroup. The cgroup is this process's own,
// into which the runtime has put it: the process id that a state names may be of another pid namespace (runc), or 0 (crun).
// With cgroup v1 a rule is a line in a file; with v2 it is part of a BPF program, which is replaced by one that asks for
// the device first.
#include "uapi.h"
#include "root.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

enum { PROGRAMS_MAX = 64, INSTRUCTIONS_MAX = 1 << 16, PROLOGUE = 13 };

// A whole file of /proc, as text. 0 or -1.
static int read_text(const char *path, char *to, size_t room) {
  cleanup_fd int fd = openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
  size_t n = 0;
  for (ssize_t got = 1; fd >= 0 && got > 0 && n < room - 1; n += (size_t)got)
    if ((got = read(fd, to + n, room - 1 - n)) < 0)
      return -1;
  to[n] = 0;
  return fd < 0 ? -1 : 0;
}

// Whether `word` is one of those that stand in `list` between `separator`s.
static bool has_word(const char *list, const char *word, char separator) {
  size_t n = strlen(word);
  for (const char *p = list; (p = strstr(p, word)); p += n)
    if ((p == list || p[-1] == separator) && (p[n] == 0 || p[n] == separator))
      return true;
  return false;
}

// This process's cgroup in the hierarchy with this controller, or in v2's (""): the text behind the second colon.
static bool own_cgroup(const char *controller, char to[4096]) {
  static char text[1 << 16];
  if (read_text("/proc/self/cgroup", text, sizeof text) != 0)
    return false;
  for (char *line = text, *next; *line; line = next) {
    next = line + strcspn(line, "\n");
    if (*next)
      *next++ = 0;
    char *controllers = strchr(line, ':'), *path = controllers ? strchr(controllers + 1, ':') : NULL;
    if (!path)
      continue;
    *controllers++ = 0, *path++ = 0;
    if (*controller ? has_word(controllers, controller, ',') : strcmp(line, "0") == 0 && !*controllers)
      return snprintf(to, 4096, "%s", path) < 4096;
  }
  return false;
}

// Opens this process's cgroup below a mount of the hierarchy. A mount whose root is not above it is another cgroup
// namespace's. -1 with ENODEV: the hierarchy is mounted nowhere here.
static int open_cgroup(const char *type, const char *controller) {
  static char text[1 << 20];
  char path[4096], directory[8300];
  if (!own_cgroup(controller, path))
    return errno = ENODEV, -1;
  if (read_text("/proc/self/mountinfo", text, sizeof text) != 0)
    return -1;
  errno = ENODEV;
  for (char *line = text, *next; *line; line = next) {
    next = line + strcspn(line, "\n");
    if (*next)
      *next++ = 0;
    char root[2048], point[2048], kind[64], options[1024] = "";
    char *tail = strstr(line, " - ");
    if (!tail || sscanf(line, "%*s %*s %*s %2047s %2047s", root, point) != 2 ||
        sscanf(tail, " - %63s %*s %1023s", kind, options) < 1 || strcmp(kind, type) != 0 ||
        (*controller && !has_word(options, controller, ',')))
      continue;
    size_t n = strcmp(root, "/") == 0 ? 0 : strlen(root);
    if (strncmp(path, root, n) != 0 || (path[n] != '/' && path[n] != 0)) {
      errno = EXDEV;
      continue;
    }
    snprintf(directory, sizeof directory, "%s%s", point, path + n);
    return openat(AT_FDCWD, directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  }
  if (errno != EXDEV)
    return -1;
  // Only mounts from before this cgroup namespace are in sight: a mount of our own begins where the namespace does.
  const char *const options[][2] = {{*controller ? controller : NULL, NULL}, {NULL, NULL}};
  cleanup_fd int own = new_mount(type, options, 0);
  return own < 0 ? -1 : openat(own, path[1] ? path + 1 : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static long bpf(int command, void *attr, unsigned size) { return syscall(SYS_bpf, command, attr, size); }

#define JUMP_IF_NOT(reg, value, skip) {0x55, reg, skip, value}                  // if reg != value: skip
#define LOAD(reg, from, offset) {0x61, (uint8_t)((reg) | (from) << 4), offset, 0} // reg = *(u32 *)(from + offset)

// The old program with this before it: if the type, the number and all of the wanted access are those of the device, 1.
// The context is {access << 16 | type, major, minor} (linux/bpf.h, bpf_cgroup_dev_ctx). r1 is left as it was.
static int load_replacement(int old, bool is_block, dev_t device, unsigned access) {
  static struct k_bpf_insn code[PROLOGUE + INSTRUCTIONS_MAX];
  struct k_bpf_prog_info info = {0};
  struct k_bpf_info_attr ask = {.fd = (uint32_t)old, .length = sizeof info, .info = (uint64_t)(uintptr_t)&info};
  if (bpf(K_BPF_OBJ_GET_INFO_BY_FD, &ask, sizeof ask) != 0)
    return -1;
  size_t count = info.translated_length / sizeof *code;
  if (count == 0 || count > INSTRUCTIONS_MAX) {
    errno = E2BIG;
    return -1;
  }
  const struct k_bpf_insn prologue[PROLOGUE] = {
      LOAD(2, 1, 0),
      {0xbc, 3 | 2 << 4, 0, 0},    // w3 = w2
      {0x54, 3, 0, 0xffff},        // w3 &= 0xffff: the type
      JUMP_IF_NOT(3, is_block ? 1 : 2, 9),
      {0x74, 2, 0, 16},            // w2 >>= 16: the access
      {0x54, 2, 0, (int32_t)(7 & ~access)}, // what of it is more than is to be allowed
      JUMP_IF_NOT(2, 0, 6),
      LOAD(3, 1, 4),
      JUMP_IF_NOT(3, (int32_t)major(device), 4),
      LOAD(3, 1, 8),
      JUMP_IF_NOT(3, (int32_t)minor(device), 2),
      {0xb4, 0, 0, 1},             // w0 = 1
      {0x95, 0, 0, 0},             // exit
  };
  memcpy(code, prologue, sizeof prologue);
  uint32_t length = info.translated_length;
  info = (struct k_bpf_prog_info){.translated_length = length, .translated = (uint64_t)(uintptr_t)(code + PROLOGUE)};
  if (bpf(K_BPF_OBJ_GET_INFO_BY_FD, &ask, sizeof ask) != 0)
    return -1;
  if (!info.translated) { // the kernel hides it from those who lack CAP_PERFMON
    errno = EPERM;
    return -1;
  }
  struct k_bpf_load_attr load = {.type = K_BPF_PROG_TYPE_CGROUP_DEVICE,
                                 .count = (uint32_t)(PROLOGUE + count),
                                 .instructions = (uint64_t)(uintptr_t)code,
                                 .license = (uint64_t)(uintptr_t)"Apache-2.0"};
  return (int)bpf(K_BPF_PROG_LOAD, &load, sizeof load);
}

// Replaces each device program of a cgroup: all of them must allow a device. Without any, nothing is denied here.
static int allow_by_program(int cgroup, bool is_block, dev_t device, unsigned access) {
  uint32_t ids[PROGRAMS_MAX] = {0};
  struct k_bpf_query_attr query = {.target = (uint32_t)cgroup,
                                   .type = K_BPF_CGROUP_DEVICE,
                                   .ids = (uint64_t)(uintptr_t)ids,
                                   .count = PROGRAMS_MAX};
  if (bpf(K_BPF_PROG_QUERY, &query, sizeof query) != 0)
    return -1;
  for (uint32_t i = 0; i < query.count && i < PROGRAMS_MAX; i++) {
    struct k_bpf_id_attr by_id = {.id = ids[i]};
    cleanup_fd int old = (int)bpf(K_BPF_PROG_GET_FD_BY_ID, &by_id, sizeof by_id);
    cleanup_fd int new = old < 0 ? -1 : load_replacement(old, is_block, device, access);
    if (new < 0)
      return -1;
    struct k_bpf_attach_attr attach = {.target = (uint32_t)cgroup,
                                       .program = (uint32_t)new,
                                       .type = K_BPF_CGROUP_DEVICE,
                                       .flags = query.attach_flags,
                                       .replaced = (uint32_t)old};
    if (attach.flags & K_BPF_F_ALLOW_MULTI)
      attach.flags |= K_BPF_F_REPLACE;
    if (bpf(K_BPF_PROG_ATTACH, &attach, sizeof attach) == 0)
      continue;
    if (errno != EINVAL || !(attach.flags & K_BPF_F_REPLACE))
      return -1;
    // Before 5.6 there is no replacing: beside the old one first, so that at no time more is allowed than meant.
    attach.flags &= ~(uint32_t)K_BPF_F_REPLACE, attach.replaced = 0;
    struct k_bpf_attach_attr detach = {.target = attach.target, .program = (uint32_t)old, .type = K_BPF_CGROUP_DEVICE};
    if (bpf(K_BPF_PROG_ATTACH, &attach, sizeof attach) != 0 || bpf(K_BPF_PROG_DETACH, &detach, sizeof detach) != 0)
      return -1;
  }
  return 0;
}

// Allows ACCESS_* of the device, beside reading and writing, which are always allowed. 0, or -1 with errno.
int allow_device(mode_t mode, dev_t device, unsigned access) {
  access |= ACCESS_READ | ACCESS_WRITE;
  cleanup_fd int v1 = open_cgroup("cgroup", "devices");
  if (v1 < 0 && errno != ENODEV)
    return -1;
  if (v1 >= 0) {
    char rule[64];
    int n = snprintf(rule, sizeof rule, "%c %u:%u rw%s", S_ISBLK(mode) ? 'b' : 'c', major(device), minor(device),
                     access & ACCESS_MAKE ? "m" : "");
    cleanup_fd int file = openat(v1, "devices.allow", O_WRONLY | O_CLOEXEC);
    return file < 0 || write(file, rule, (size_t)n) != n ? -1 : 0;
  }
  cleanup_fd int v2 = open_cgroup("cgroup2", "");
  return v2 < 0 ? -1 : allow_by_program(v2, S_ISBLK(mode), device, access);
}
