// SPDX-License-Identifier: Apache-2.0
// What the files share that build a container: construct.c has the order.
#pragma once
#include "launch.h"
#include <sys/stat.h>

enum { OWN_MOUNTS_MAX = 64 };

struct construction {
  int root;                                  // of the container; -1 before there is one and behind ENTER
  bool has_own_root;                         // and not the caller's, or another's
  int stacked;                               // mounts that stand on top of "/"
  int own_mounts[OWN_MOUNTS_MAX], own_count; // of the TMPFS records
  uid_t caller_uid, inner_uid;
  gid_t caller_gid, inner_gid;
  const struct foreign *foreign; // NULL: the container is the caller's own
};

// How root works in a container that is another's (root/bundle.c).
struct foreign {
  int (*open_source)(const char *path, bool is_recursive);     // as tree_clone, with no more rights than its user
  bool (*may_cover)(const struct construction *c, int target); // whether something may be mounted there
  void (*give_away)(int parent, const char *name);             // what was made there is its user's
  int (*finish)(const struct record *r, int mounted, const struct stat *source, struct fail *f);
};

// What carries out a record. 0, or -1 with *f.
typedef int step(struct construction *c, const struct record *r, struct fail *f);

// namespaces.c
step enter_namespaces, join_process;

// init.c
int enter_pid_namespace(void);

// roots.c
step root_directory, root_squashfuse, overlay, show_root;

// servers.c
int start_server(const struct record *r, struct fail *f);
int mount_squashfuse(struct construction *c, const struct record *r, int target, int in, const char *path, struct fail *f);

// targets.c
int mount_of(int fd);
int open_target(struct construction *c, const struct record *r, bool is_directory, const char *path, struct fail *f);

// mounts.c
step bind_mount, squashfuse, process_files, temporary;

// Records that one program alone carries out: each program defines this.
step construct_own;
