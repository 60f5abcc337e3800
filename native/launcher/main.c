// SPDX-License-Identifier: Apache-2.0
// Every command that starts programs in containers is this program, by its name. It looks for a plan by its arguments,
// has one made where there is none that still holds, and carries it out.
#include "construct.h"
#include <stdlib.h>
#include <string.h>

// Commands that end in a program of the container and so have plans; all others are Node's own business.
// src/planner.ts has the same names.
static const struct {
  const char *face, *verb;
  bool options_first; // options may stand before the verb; none takes a word of its own
} planned[] = {
    {"slipway", "run", false},
    {"shifter", NULL, false},
    {"sarus", "run", true},
    {"ch-run", NULL, false},
};

static bool has_plans(const char *face, int argc, char **argv) {
  for (size_t i = 0; i < sizeof planned / sizeof *planned; i++) {
    if (strcmp(face, planned[i].face) != 0)
      continue;
    int at = 1;
    while (planned[i].options_first && at < argc && argv[at][0] == '-')
      at++;
    return !planned[i].verb || (at < argc && strcmp(argv[at], planned[i].verb) == 0);
  }
  return false;
}

// No plan of this program's has what is root's or a wrapper's.
int construct_own(struct construction *c, const struct record *r, struct fail *f) { return (void)c, not_ours(r, f); }
int become_own(const struct record **r, char **words, struct fail *f) { return (void)words, not_ours(*r, f); }

int main(int argc, char **argv) {
  if (argc < 1)
    return STATUS_OWN;
  const char *face = face_of(argv[0]);
  tracing = getenv("SLIPWAY_TRACE") != NULL;
  if (is_privileged(face))
    return STATUS_OWN;
  if (!has_plans(face, argc, argv))
    become_node(face, argc, argv);
  struct plan plan;
  int dir = obtain_plan(face, argc, argv, &plan);
  return launch(&plan, argv, dir);
}
