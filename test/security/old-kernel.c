// SPDX-License-Identifier: Apache-2.0
// Runs a program as on an older kernel: old-kernel VERSION PROGRAM [ARGUMENT...]. A seccomp filter answers for each
// system call, flag or option that the version did not have what that kernel would have answered.
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined __x86_64__
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined __aarch64__
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

enum { ANY = -1, CLONE_NEWNS_AND_NEWUSER = 0x10020000, SO_PEERPIDFD_ = 77, CLOSE_RANGE_CLOEXEC_ = 4 };

// Where `argument` is not ANY, only calls that have this value there.
static const struct {
  int since, call, argument;
  unsigned value;
  int error;
} calls[] = {
    {500200, SYS_open_tree, ANY, 0, ENOSYS},
    {500200, SYS_move_mount, ANY, 0, ENOSYS},
    {500200, SYS_fsopen, ANY, 0, ENOSYS},
    {500200, SYS_fsconfig, ANY, 0, ENOSYS},
    {500200, SYS_fsmount, ANY, 0, ENOSYS},
    {500200, SYS_fspick, ANY, 0, ENOSYS},
    {500300, SYS_pidfd_open, ANY, 0, ENOSYS},
    {500300, SYS_clone3, ANY, 0, ENOSYS},
    {500600, SYS_openat2, ANY, 0, ENOSYS},
    {500800, SYS_faccessat2, ANY, 0, ENOSYS},
    {500800, SYS_setns, 1, CLONE_NEWNS_AND_NEWUSER, EINVAL}, // on a pidfd, where several bits may be given
    {500900, SYS_close_range, ANY, 0, ENOSYS},
    {501100, SYS_close_range, 2, CLOSE_RANGE_CLOEXEC_, EINVAL},
    {501200, SYS_mount_setattr, ANY, 0, ENOSYS},
    {600500, SYS_getsockopt, 2, SO_PEERPIDFD_, ENOPROTOOPT},
};

static struct sock_filter program[8 + 6 * sizeof calls / sizeof *calls];
static unsigned short length;

static void add(unsigned code, unsigned k, unsigned char yes, unsigned char no) {
  program[length++] = (struct sock_filter){(unsigned short)code, yes, no, k};
}

static void load(size_t offset) { add(BPF_LD | BPF_W | BPF_ABS, (unsigned)offset, 0, 0); }

static int version_of(const char *text) {
  int major = 0, minor = 0;
  return sscanf(text, "%d.%d", &major, &minor) == 2 ? major * 100000 + minor * 100 : -1;
}

int main(int argc, char **argv) {
  int version = argc > 2 ? version_of(argv[1]) : -1;
  if (version < 0) {
    fprintf(stderr, "usage: old-kernel VERSION PROGRAM [ARGUMENT...]\n");
    return 2;
  }
  load(offsetof(struct seccomp_data, arch));
  add(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0);
  add(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS, 0, 0);
  for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
    if (version >= calls[i].since)
      continue;
    load(offsetof(struct seccomp_data, nr));
    add(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)calls[i].call, 0, calls[i].argument == ANY ? 1 : 3);
    if (calls[i].argument != ANY) {
      load(offsetof(struct seccomp_data, args) + 8 * (size_t)calls[i].argument); // little-endian: the low half
      add(BPF_JMP | BPF_JEQ | BPF_K, calls[i].value, 0, 1);
    }
    add(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)calls[i].error, 0, 0);
  }
  add(BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
  struct sock_fprog filter = {length, program};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0) {
    perror("old-kernel: seccomp");
    return 2;
  }
  execvp(argv[2], argv + 2);
  perror(argv[2]);
  return 2;
}
