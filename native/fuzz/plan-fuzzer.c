// SPDX-License-Identifier: Apache-2.0
// A plan that plan_check accepts must be safe to execute: every string ends inside its record, and records stand where
// construct.c, join.c and launch.c take for granted that they stand. What it refuses it must refuse without a wrong read.
#include "fuzz.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_records(const struct plan *plan) {
  bool has_root = false, is_open = false;
  REQUIRE(plan->first->operation == OP_COVER && plan->covered >= 1 && plan->covered <= COVER_MAX);
  for (const struct record *r = plan->first; r < plan->end; r = rec_next(r)) {
    const char *end = (const char *)rec_next(r), *s = rec_string(r, 0);
    REQUIRE(end <= (const char *)plan->end && (const char *)(rec_numbers(r) + r->numbers) <= end);
    for (int i = 0; i < r->strings; i++, s += strlen(s) + 1)
      REQUIRE(s == rec_string(r, i) && s + strlen(s) < end);
    REQUIRE((r->operation >= OP_EXEC) == (rec_next(r) == plan->end));
    switch (r->operation) {
    case OP_ROOT_HOST:
    case OP_ROOT_BUNDLE:
    case OP_ROOT_DIRECTORY:
    case OP_ROOT_SQUASHFUSE:
    case OP_ROOT_SQUASHFS:
      REQUIRE(!is_open && (!has_root || r->operation == OP_ROOT_HOST));
      has_root = is_open = true;
      break;
    case OP_SQUASHFUSE:
    case OP_OVERLAY:
    case OP_BIND:
    case OP_DEVICE:
    case OP_TMPFS:
    case OP_ROOT_READ_ONLY:
    case OP_SHOW_ROOT:
      REQUIRE(is_open);
      break;
    case OP_HOOK:
      REQUIRE(rec_numbers(r)[0] < HOOK_STAGES && rec_numbers(r)[2] + HOOK_STRINGS <= r->strings && !plan->hold);
      break;
    case OP_ENTER:
    case OP_LEAVE:
      REQUIRE(is_open);
      is_open = false;
      break;
    default:
      break;
    }
    struct fail f = {.record = r, .step = "try", .object = r->strings ? rec_string(r, 0) : "", .error = r->operation, .file = ""};
    report(plan, &f);
  }
  REQUIRE(!is_open);
  REQUIRE(!plan->hold || (plan->held > plan->hold && plan->held->operation == OP_HELD)); // what launch.c and holder.c build up to
}

// The words that a plan covers are covered by it, one fewer are not, and a prefix takes any command but an option.
static void check_cover(const struct plan *plan) {
  int n = plan->covered;
  bool is_exact = rec_numbers(plan->first)[0];
  char *argv[COVER_MAX + 2] = {NULL};
  for (int i = 0; i < n; i++)
    argv[i] = (char *)rec_string(plan->first, i);
  bool is_ended = strcmp(argv[n - 1], "--") == 0;
  REQUIRE(plan_covers(plan, argv[0], n, argv) == is_exact);
  if (n > 1)
    REQUIRE(!plan_covers(plan, argv[0], n - 1, argv));
  argv[n] = "command";
  REQUIRE(plan_covers(plan, argv[0], n + 1, argv) == !is_exact);
  argv[n] = "-x";
  REQUIRE(plan_covers(plan, argv[0], n + 1, argv) == (!is_exact && is_ended));
  REQUIRE(!plan_covers(plan, "no such face", n + 1, argv));
  (void)plan_lock_key(argv[0], n + 1, argv);
}

// On memory of exactly this size, so that a read beyond it shows.
static const char *check_copy(const uint8_t *data, size_t size, struct plan *plan, char **copy) {
  *copy = malloc(size ? size : 1);
  REQUIRE(*copy);
  memcpy(*copy, data, size);
  return plan_check(*copy, size, plan);
}

// One changed byte, or a lost end, must show: the checksum's steps can each be undone, so that no such change is lost.
static void check_damage(const uint8_t *data, size_t size) {
  struct plan plan;
  uint8_t *damaged = malloc(size);
  REQUIRE(damaged);
  memcpy(damaged, data, size);
  // Which byte and which change follow from the plan: the same for the same input.
  uint64_t choice = fnv(FNV_SEED, data, size);
  damaged[choice % size] ^= (uint8_t)(1 + (choice >> 32) % 255);
  REQUIRE(plan_check((char *)damaged, size, &plan));
  damaged[choice % size] = data[choice % size];
  for (size_t lost = 8; lost < size; lost *= 2)
    REQUIRE(plan_check((char *)damaged, size - lost, &plan));
  free(damaged);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct plan plan;
  char *bytes;
  (void)check_copy(data, size, &plan, &bytes); // header and all
  free(bytes);
  uint8_t *repaired = malloc(size + 1);
  REQUIRE(repaired);
  memcpy(repaired, data, size);
  size = repair(repaired, size);
  bool is_accepted = size && !check_copy(repaired, size, &plan, &bytes);
  if (is_accepted)
    check_damage(repaired, size);
  free(repaired);
  if (getenv("SLIPWAY_FUZZ_ACCEPTED") && size) // a test's: these inputs are plans
    REQUIRE(is_accepted);
  if (is_accepted) {
    char **caller = fake_caller_environment(&plan);
    check_records(&plan);
    check_cover(&plan);
    // What is covered stands before the rest, as in main's argv.
    char *words[COVER_MAX + 5] = {NULL}, **rest = words + plan.covered;
    for (int i = 0; i < plan.covered; i++)
      words[i] = (char *)rec_string(plan.first, i);
    fake_launch(&plan, caller, rest);
    memcpy(rest, (char *[]){"program", "with", "", "words", NULL}, 5 * sizeof *rest);
    fake_launch(&plan, caller, rest);
    fake_free_caller_environment(caller);
  }
  if (size)
    free(bytes);
  return 0;
}
