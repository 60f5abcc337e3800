// SPDX-License-Identifier: Apache-2.0
// What a plan is: a header, then records, each an operation with numbers and strings, in the order in which they are
// carried out. docs/contributors/plan-format.md says more.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define PLAN_FORMAT 1
#define PLAN_MAX (1u << 20)
#define COVER_MAX 1024

#ifndef SLIPWAY_BUILD
#error "SLIPWAY_BUILD must be 32 hexadecimal digits: which sources this launcher and its planner were built from"
#endif

// The table of operations: name, how many numbers, least and most strings (-1: any number). One list serves the
// validator and the messages; src/plan/encode.ts has the same list, and a test compares them.
#define OPERATIONS(X)                                                                                                  \
  X(COVER, 1, 1, -1)          /* exact | face, argument...                          */                                 \
  X(SUBJECT, 0, 1, 1)         /* what is being run, for messages                    */                                 \
  X(IDENTITY, -1, 0, 0)       /* uid, gid, groups...                                */                                 \
  X(HAVE_ENV, 0, 2, 2)        /* name, value                                        */                                 \
  X(LACK_ENV, 0, 1, 1)        /* name                                               */                                 \
  X(HAVE_FILE, 6, 1, 1)       /* dev, ino, mode, size, mtime ns, ctime ns | path    */                                 \
  X(HAVE_LINK, 6, 1, 1)       /* the same of the link itself                        */                                 \
  X(HAVE_KIND, 2, 1, 1)       /* S_IFMT bits, whether links are followed | path     */                                 \
  X(LACK_FILE, 0, 1, 1)       /* path                                               */                                 \
  X(HAVE_CWD, 0, 1, 1)        /* path                                               */                                 \
  X(NAMESPACES, 3, 1, 1)      /* CLONE_NEW*, uid, gid inside (~0: own) | origin     */                                 \
  X(HOLD_WHEN, 0, 1, -1)      /* HOLD only where one of these variables is set      */                                 \
  X(HOLD, 2, 1, -1)           /* linger ms (~0: for ever), peers | key, scope...    */                                 \
  X(HELD, 0, 0, 0)            /* what follows is for each rank                      */                                 \
  X(JOIN, 1, 1, 1)            /* pid whose namespaces to enter | origin             */                                 \
  X(ROOT_HOST, 0, 0, 0)       /* the root as it is: the caller's, or what was held  */                                 \
  X(ROOT_DIRECTORY, 1, 2, 2)  /* MOUNT_* | path, origin                             */                                 \
  X(ROOT_SQUASHFUSE, 1, 3, 3) /* MOUNT_* | image, server program, origin            */                                 \
  X(ROOT_SQUASHFS, 1, 2, 2)   /* MOUNT_* | image, origin: by the kernel             */                                 \
  X(SQUASHFUSE, 1, 4, 4)      /* MOUNT_* | image, server program, guest path, origin */                               \
  X(ROOT_BUNDLE, 0, 0, 0)     /* the container that an OCI runtime calls a hook for */                                 \
  X(OVERLAY, 1, 2, 2)         /* tmpfs bytes, or OVERLAY_* | directory, origin      */                                 \
  X(BIND, 1, 3, 3)            /* MOUNT_* | host path, guest path, origin            */                                 \
  X(DEVICE, 2, 3, 3)          /* MOUNT_*, ACCESS_* | device, guest path, origin     */                                 \
  X(TMPFS, 3, 2, 2)           /* MOUNT_*, bytes, mode | guest path, origin          */                                 \
  X(PROC, 0, 1, 1)            /* of this pid namespace, on /proc | origin           */                                 \
  X(ROOT_READ_ONLY, 0, 0, 0)  /* the root mount, after targets were made            */                                 \
  X(SHOW_ROOT, 0, 1, 1)       /* move the root to this path, for hooks to find      */                                 \
  X(HOOK, 3, 4, -1)           /* stage, ms (0: for ever), words | state, directory,  \
                                 program, word..., variable..., origin              */                                 \
  X(ENTER, 0, 0, 0)           /* pivot into the new root                            */                                 \
  X(LEAVE, 0, 1, 1)           /* leave it at a path of the caller's mounts instead  */                                 \
  X(ENV_CLEAR, 0, 0, -1)      /* all but these globs                                */                                 \
  X(ENV_UNSET, 0, 1, 1)       /* glob                                               */                                 \
  X(ENV_UNSET_MATCHING, -1, 1, 1) /* transitions of a matcher | glob, for people        */                             \
  X(ENV_SET, 0, 2, 2)         /* name, value                                        */                                 \
  X(ENV_DEFAULT, 0, 2, 2)     /* name, value: only where unset                      */                                 \
  X(ENV_EXPAND, 0, 2, 2)      /* name, value with $NAME between colons              */                                 \
  X(ENV_PREPEND, 0, 3, 3)     /* name, value, separator                             */                                 \
  X(ENV_APPEND, 0, 3, 3)      /* name, value, separator                             */                                 \
  X(ACTIVATE, 0, 2, 2)        /* up to ACTIVATED: not where the first variable is   \
                                 set, nor, without the second, through a venv        */                                 \
  X(ACTIVATED, 0, 0, 0)       /* through a venv: its bin comes first on PATH        */                                 \
  X(UMASK, 1, 0, 0)           /* mask                                               */                                 \
  X(LIMIT, 3, 0, 0)           /* RLIMIT_*, soft, hard (~0: none)                    */                                 \
  X(DESCRIPTORS, -1, 0, 0)    /* 0, then those beside 0, 1, 2 that stay open        */                                 \
  X(DISCARD, -1, 0, 0)        /* descriptors whose output is dropped                */                                 \
  X(CAPABILITIES, 1, 0, 0)    /* mask of those that may be kept                     */                                 \
  X(NO_NEW_PRIVS, 0, 0, 0)    /* setuid programs gain nothing                       */                                 \
  X(SECCOMP, -1, 0, 0)        /* a BPF program, an instruction a number             */                                 \
  X(CHDIR, 0, 2, 2)           /* guest path, origin: must work                      */                                 \
  X(CHDIR_CALLER, 1, 1, 1)    /* say so if not | guest directory of the caller's cwd */                                 \
  X(CHDIR_TRY, 1, 1, 1)       /* say so if not | guest path                         */                                 \
  X(EXEC, 0, 0, -1)           /* argument..., then the caller's own                 */                                 \
  X(EXEC_NAMESAKE, 0, 2, -1)  /* directory with the wrapper's namesake, where it    \
                                 was built, what is to start it...                  */                                 \
  X(END, 0, 0, 0)             /* well, without a program                            */

enum operation {
#define X(name, numbers, least, most) OP_##name,
  OPERATIONS(X)
#undef X
      OP_COUNT
};

// Flags of mount records. Restrictions come first, by the kernel's own bits.
enum {
  MOUNT_READ_ONLY = 1,
  MOUNT_NOSUID = 2,
  MOUNT_NODEV = 4,
  MOUNT_NOEXEC = 8,
  MOUNT_RESTRICTIONS = 15,
  MOUNT_RECURSIVE = 16,
  MOUNT_OPTIONAL = 32, // skip when either end is missing
  MOUNT_CREATE = 64,   // make a missing target
  MOUNT_INSIDE = 128,  // the source is a guest path
  MOUNT_FLAGS_ALL = 255,
};

// In OVERLAY: writes go to the directory; or the directory lies over the root, and nothing can be written.
#define OVERLAY_DIRECTORY 0
#define OVERLAY_LAYER UINT64_MAX
// Of DEVICE, as bpf_cgroup_dev_ctx has them.
enum { ACCESS_MAKE = 1, ACCESS_READ = 2, ACCESS_WRITE = 4 };

// Of HOOK, by the runtime-spec. Its strings, beside words and variables, are four; in the state the mark stands for the
// id of the container's process.
enum {
  HOOK_PRESTART,
  HOOK_CREATE_RUNTIME,
  HOOK_CREATE_CONTAINER,
  HOOK_START_CONTAINER,
  HOOK_POSTSTART,
  HOOK_POSTSTOP,
  HOOK_STAGES,
  HOOK_STRINGS = 4,
};
#define PID_MARK "\1"

// In HOLD, a scope is a variable, whose value divides ranks, or one of these: what stands at the sources of the held
// mounts; the parent process.
#define SCOPE_SOURCES "@sources"
#define SCOPE_PARENT "@parent"

// How a failure is worded.
enum { STYLE_SLIPWAY, STYLE_CHARLIECLOUD, STYLE_CHARLIECLOUD_VERBOSE, STYLE_COUNT };

struct record {
  uint16_t operation;
  uint16_t strings;
  uint16_t numbers;
  uint16_t zero;
  uint32_t size; // of the whole record, a multiple of 8
  uint32_t zero2;
  // uint64_t number[numbers]; then the strings, each with its NUL; then padding
};

struct header {
  char magic[8];
  uint32_t format;
  uint32_t size;
  uint64_t checksum; // FNV-1a of all that follows this field
  char build[32];
  uint64_t created_ns; // CLOCK_REALTIME
  uint64_t max_age_ns; // 0: no limit
  uint32_t records;
  uint8_t status_own, status_not_found, status_not_executable;
  uint8_t style;
};

struct plan {
  char *bytes;
  const struct header *header;
  const struct record *first, *end;
  const struct record *hold_when, *hold, *held; // or NULL
  const char *subject;
  int covered; // words of argv, the program's name included
};

static inline const uint64_t *rec_numbers(const struct record *r) { return (const uint64_t *)(r + 1); }
static inline const char *rec_string(const struct record *r, int index) {
  const char *s = (const char *)(rec_numbers(r) + r->numbers);
  while (index-- > 0)
    while (*s++)
      ;
  return s;
}
static inline const struct record *rec_next(const struct record *r) {
  return (const struct record *)((const char *)r + r->size);
}

// plan.c
extern const char *const operation_names[OP_COUNT];
uint64_t fnv(uint64_t hash, const void *bytes, size_t n);
#define FNV_SEED 0xcbf29ce484222325ull
const char *plan_check(char *bytes, size_t n, struct plan *plan); // NULL, or why it is no plan
int plan_read(int fd, struct plan *plan, const char **why);
bool plan_covers(const struct plan *plan, const char *face, int argc, char **argv);
int plan_find(int dir, const char *face, int argc, char **argv, struct plan *plan);
uint64_t plan_lock_key(const char *face, int argc, char **argv);
