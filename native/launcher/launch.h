// SPDX-License-Identifier: Apache-2.0
// The launcher: executes plans. All policy is decided elsewhere and arrives as a plan file; what stands here maps
// each record of a plan to system calls, in the order of the file. No option, JSON or configuration is parsed.
//
// Three programs are made of it: this one, which every rank runs; ../wrapper, what stands for a program of a wrapped
// installation; ../root, what root runs for others. What only those do is theirs (construct_own, become_own).
//
// In the order of a launch; the last three serve all others:
//
//   main.c        which commands have plans
//   planner.c     where a plan comes from: kept, or made by Node
//   plan.c        reading and validating a plan (plan.h), looking one up by its arguments
//   trace.c       whether everything that the planner read is still as it was
//   launch.c      order of events: join or construct, then become the program
//   join.c        one mount for many ranks: finding or starting its holder, and joining it
//   holder.c      the holder, in a process of its own
//   construct.c   the construct records, in their order; construct.h has what these share:
//     namespaces.c  new ones with their ids, or those of a process
//     init.c        the init of a private pid namespace
//     roots.c       the root, and overlays over it
//     servers.c     FUSE servers of images
//     targets.c     finding and making mount points
//     mounts.c      what is mounted into the root
//   hooks.c       programs that are told of the container at the stages of its life
//   program.c     the records for each rank: working directory, execve
//   environment.c the environment, edited
//   confine.c     limits, capabilities, seccomp, descriptors
//   children.c    processes beside the program
//   kernel.c      newer system calls, each with its one fallback
//   fail.c        what a person is told when a step fails
#pragma once
#include "plan.h"

// What went wrong: the record at work, a verb phrase, the path or name concerned, and a positive errno (0: none).
struct fail {
  const struct record *record;
  const char *step;
  const char *object;
  int error;
  const char *file;
  int line;
};

static inline int fail_with(struct fail *to, struct fail what) {
  *to = what;
  return -1;
}

// Notes a failure with the errno of now, and is -1. `what` is a verb phrase: "open", "mount on".
#define FAIL(f, rec, what, obj)                                                                                        \
  fail_with((f), (struct fail){.record = (rec),                                                                        \
                               .step = (what),                                                                         \
                               .object = (obj),                                                                        \
                               .error = errno,                                                                         \
                               .file = __FILE_NAME__,                                                                  \
                               .line = __LINE__})

static inline void close_fd(int *fd);
#define cleanup_fd __attribute__((cleanup(close_fd)))
int close(int);
static inline void close_fd(int *fd) {
  if (*fd >= 0)
    close(*fd);
}

// planner.c
enum { STATUS_OWN = 125 };
int open_run_directory(char path[4096]);
int obtain_plan(const char *face, int argc, char **argv, struct plan *plan);
_Noreturn void become_node(const char *face, int argc, char **argv);

// trace.c
bool trace_holds(const struct plan *plan);

// launch.c
const char *face_of(const char *called);
bool is_privileged(const char *face);
int launch(const struct plan *plan, char **words, int dir);

// join.c
bool is_held(const struct plan *plan);
int hold_and_join(const struct plan *plan, int dir, struct fail *f);

// construct.c
enum { SERVERS_MAX = 4, CALLERS_OWN_ID = UINT32_MAX };
int build(const struct record *from, const struct record *to, struct fail *f);
extern int server_pidfds[SERVERS_MAX], server_count; // of the FUSE servers that build started

// hooks.c
int begin_hooks(const struct plan *plan, struct fail *f);
int hook(const struct record *r, struct fail *f);
void give_up_hooks(void);

// init.c
int become_init(void);

// children.c
pid_t fork_child(void);
int wait_for(pid_t child);
int fork_away(void);
enum { APART = 3, APART_MAX = 4 };
void stand_apart(const int *kept, int count, bool is_silent);
void reset_signals(void);

// confine.c
int confine(const struct record *r, struct fail *f);

// environment.c
int env_own(const struct plan *plan);
void env_edit(const struct record *r);
void env_put(const char *name, const char *before, const char *separator, const char *after);

// program.c
extern int callers_directory; // one that is kept although its path may lead elsewhere now, or -1
void run(const char *path, char **argv);
void run_by(char *interpreter, char *argument, const char *path, char **argv);
bool read_start(const char *path, char *to, size_t room);
int become_program(const struct plan *plan, char **rest, const char *caller_cwd, struct fail *f);

// Records that one program alone carries out: each program defines this. It may move *r on.
int become_own(const struct record **r, char **words, struct fail *f);

// kernel.c
const char *fd_path(char buffer[32], int fd);
int tree_clone(const char *path, bool recursive);
int tree_attach(int tree, int target, int root, const char *path);
int tree_set(int fd, unsigned flags, bool recursive);
int resolve_in_root(int root, const char *path);
int new_mount(const char *type, const char *const (*options)[2], unsigned mount_flags);
int mount_new(const char *type, const char *const (*options)[2], unsigned flags, int target, int root, const char *path);
int pidfd_of(pid_t pid);
int peer_pidfd(int socket, pid_t *pid);
int join_namespaces(int pidfd, pid_t pid, int flags);
int close_between(unsigned first, unsigned last, bool at_execve);

// fail.c
extern bool tracing;
extern int report_fd; // where people are told
void trace_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));
void report(const struct plan *plan, const struct fail *f);
int not_ours(const struct record *r, struct fail *f);
