// SPDX-License-Identifier: Apache-2.0
// The program of the commands that root runs for others: hooks of OCI runtimes, and the preparation of a node for a job.
// It executes plans as the launcher does, from the same sources, and has what no rank needs.
//
//   main.c     a fresh environment; then a plan
//   prepare.c  the kernel's squashfs, and a root that is left for others
//   bundle.c   the container that an OCI runtime calls a hook for
//   json.c     reading JSON, of a state and a config.json
//   devices.c  a rule in the container's device cgroup
#pragma once
#include "../launcher/launch.h"

struct construction;

// prepare.c
extern int callers_mounts; // the mount namespace that LEAVE goes back to
int root_squashfs(struct construction *c, const struct record *r, struct fail *f);
int leave_at(struct construction *c, const struct record *r, struct fail *f);

// bundle.c
#define STATE_MAX (1u << 20)
int root_bundle(struct construction *c, const struct record *r, struct fail *f);

// json.c
struct json {
  const char *at, *end;
};
bool json_take(struct json *j, char c);
bool json_skip(struct json *j, int depth);
bool json_text(struct json *j, char *to, size_t room);
bool json_member(struct json object, const char *name, struct json *value);
bool json_number(struct json j, uint64_t most, uint64_t *n);
bool json_is_whole(struct json j);

// devices.c
int allow_device(mode_t mode, dev_t device, unsigned access);
