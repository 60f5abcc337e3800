// SPDX-License-Identifier: Apache-2.0
// Reading and validating plans. A plan comes from a directory that only its user can write, but a crash, a full disk
// or another version may have left anything there: nothing of a plan is used before all of it has been checked.
#include "launch.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char *const operation_names[OP_COUNT] = {
#define X(name, numbers, least, most) #name,
    OPERATIONS(X)
#undef X
};

static const struct {
  int numbers, least, most;
} shapes[OP_COUNT] = {
#define X(name, numbers, least, most) {numbers, least, most},
    OPERATIONS(X)
#undef X
};

// FNV-1a, 64 bits: finds damage and names files; it is no protection against a person, and need not be one.
uint64_t fnv(uint64_t hash, const void *bytes, size_t n) {
  for (const unsigned char *p = bytes; n > 0; n--)
    hash = (hash ^ *p++) * 0x100000001b3ull;
  return hash;
}

static const char *check_record(const struct record *r, size_t room) {
  if (room < sizeof *r || r->size < sizeof *r || r->size % 8 != 0 || r->size > room)
    return "a record's size is out of bounds";
  if (r->operation >= OP_COUNT || r->zero != 0 || r->zero2 != 0)
    return "an unknown record";
  size_t body = r->size - sizeof *r;
  if (r->numbers > body / 8)
    return "more numbers than the record holds";
  if (shapes[r->operation].numbers >= 0 ? r->numbers != shapes[r->operation].numbers : r->numbers < 1)
    return "a wrong count of numbers";
  if (r->strings < shapes[r->operation].least || (shapes[r->operation].most >= 0 && r->strings > shapes[r->operation].most))
    return "a wrong count of strings";
  const char *s = (const char *)(rec_numbers(r) + r->numbers), *end = (const char *)r + r->size;
  for (int i = 0; i < r->strings; i++) {
    const char *nul = memchr(s, 0, (size_t)(end - s));
    if (!nul)
      return "a string without an end";
    s = nul + 1;
  }
  if (end - s >= 8)
    return "bytes after the strings";
  return NULL;
}

// What a plan has come to, record by record.
enum {
  BEGUN = 1,
  NAMESPACED = 2,
  ROOTED = 4,    // there is a root
  BUILDING = 8,  // which is not entered yet
  ENTERED = 16,
  HOLDING = 32,
  HELD = 64,
  ACTIVATING = 128,
  HOOKED = 256,
  DONE = 512,
};

// Where a record may stand: what must have come before it, and what not; what begins with it, and what is over.
static const struct {
  uint16_t needs, excludes, begins, ends;
} rules[OP_COUNT] = {
    [OP_COVER] = {.excludes = BEGUN, .begins = BEGUN},
    [OP_NAMESPACES] = {.excludes = BUILDING, .begins = NAMESPACED},
    [OP_HOLD] = {.needs = NAMESPACED, .excludes = HOLDING | ROOTED, .begins = HOLDING},
    [OP_HELD] = {.needs = HOLDING | ENTERED, .excludes = HELD, .begins = HELD},
    [OP_JOIN] = {.excludes = NAMESPACED | ROOTED},
    [OP_ROOT_HOST] = {.excludes = BUILDING, .begins = ROOTED | BUILDING, .ends = ENTERED}, // or what was entered before
    [OP_ROOT_DIRECTORY] = {.needs = NAMESPACED, .excludes = ROOTED, .begins = ROOTED | BUILDING},
    [OP_ROOT_SQUASHFUSE] = {.needs = NAMESPACED, .excludes = ROOTED, .begins = ROOTED | BUILDING},
    [OP_ROOT_SQUASHFS] = {.needs = NAMESPACED, .excludes = ROOTED, .begins = ROOTED | BUILDING},
    [OP_ROOT_BUNDLE] = {.excludes = NAMESPACED | ROOTED, .begins = ROOTED | BUILDING},
    [OP_SQUASHFUSE] = {.needs = BUILDING},
    [OP_OVERLAY] = {.needs = BUILDING},
    [OP_BIND] = {.needs = BUILDING},
    [OP_DEVICE] = {.needs = BUILDING},
    [OP_TMPFS] = {.needs = BUILDING},
    [OP_PROC] = {.needs = BUILDING},
    [OP_ROOT_READ_ONLY] = {.needs = BUILDING},
    [OP_SHOW_ROOT] = {.needs = BUILDING},
    [OP_HOOK] = {.begins = HOOKED},
    [OP_ENTER] = {.needs = BUILDING, .begins = ENTERED, .ends = BUILDING},
    [OP_LEAVE] = {.needs = BUILDING, .begins = ENTERED, .ends = BUILDING},
    [OP_ACTIVATE] = {.excludes = ACTIVATING, .begins = ACTIVATING},
    [OP_ACTIVATED] = {.needs = ACTIVATING, .ends = ACTIVATING},
    [OP_EXEC] = {.begins = DONE},
    [OP_EXEC_NAMESAKE] = {.begins = DONE},
    [OP_END] = {.begins = DONE},
};
static const uint16_t hook_needs[HOOK_STAGES] = {
    [HOOK_PRESTART] = ROOTED,
    [HOOK_CREATE_RUNTIME] = ROOTED,
    [HOOK_CREATE_CONTAINER] = BUILDING,
    [HOOK_START_CONTAINER] = ENTERED,
};

// Whether the numbers of a record are such as it may have.
static bool has_good_numbers(const struct plan *plan, const struct record *r) {
  const uint64_t *n = rec_numbers(r);
  switch (r->operation) {
  case OP_COVER:
    return n[0] <= 1 && r->strings <= COVER_MAX;
  case OP_IDENTITY:
    return r->numbers >= 2;
  case OP_NAMESPACES:
    return n[1] <= UINT32_MAX && n[2] <= UINT32_MAX;
  case OP_HOLD_WHEN:
    return rec_next(r) < plan->end && rec_next(r)->operation == OP_HOLD;
  case OP_JOIN:
    return n[0] >= 1 && n[0] <= INT32_MAX;
  case OP_DEVICE:
    return n[0] <= MOUNT_FLAGS_ALL && n[1] <= (ACCESS_MAKE | ACCESS_READ | ACCESS_WRITE);
  case OP_ROOT_DIRECTORY:
  case OP_ROOT_SQUASHFUSE:
  case OP_ROOT_SQUASHFS:
  case OP_SQUASHFUSE:
  case OP_BIND:
  case OP_TMPFS:
    return n[0] <= MOUNT_FLAGS_ALL;
  case OP_HOOK:
    return n[0] < HOOK_STAGES && n[1] <= INT32_MAX && n[2] <= r->strings - (uint64_t)HOOK_STRINGS;
  case OP_EXEC_NAMESAKE:
    return plan->covered == 1;
  default:
    return true;
  }
}

// Rules that span records: what must be there, once, and in which order.
static const char *check_order(struct plan *plan) {
  unsigned state = 0;
  for (const struct record *r = plan->first; r < plan->end; r = rec_next(r)) {
    if (!has_good_numbers(plan, r))
      return "a record with numbers out of bounds";
    unsigned needs = rules[r->operation].needs | (r->operation == OP_COVER ? 0 : BEGUN);
    if (r->operation == OP_HOOK)
      needs |= hook_needs[rec_numbers(r)[0]];
    if ((state & needs) != needs || (state & (rules[r->operation].excludes | DONE)))
      return "a record out of place";
    state = (state & ~(unsigned)rules[r->operation].ends) | rules[r->operation].begins;
    if (r->operation == OP_COVER)
      plan->covered = r->strings;
    else if (r->operation == OP_SUBJECT)
      plan->subject = rec_string(r, 0);
    else if (r->operation == OP_HOLD_WHEN)
      plan->hold_when = r;
    else if (r->operation == OP_HOLD)
      plan->hold = r;
    else if (r->operation == OP_HELD)
      plan->held = r;
  }
  bool is_held = !(state & HOLDING) || ((state & HELD) && !(state & HOOKED));
  return (state & DONE) && !(state & (BUILDING | ACTIVATING)) && is_held ? NULL : "it is incomplete";
}

const char *plan_check(char *bytes, size_t n, struct plan *plan) {
  const struct header *h = (const struct header *)bytes;
  if (n < sizeof *h || memcmp(h->magic, "SLIPPLAN", 8) != 0)
    return "it is no plan";
  if (h->format != PLAN_FORMAT || memcmp(h->build, SLIPWAY_BUILD, 32) != 0)
    return "another version of Slipway made it";
  if (h->size != n || n % 8 != 0)
    return "it is cut short";
  size_t start = offsetof(struct header, build);
  if (fnv(FNV_SEED, bytes + start, n - start) != h->checksum)
    return "its checksum is wrong";
  if (h->style >= STYLE_COUNT)
    return "an unknown style";
  *plan = (struct plan){.bytes = bytes, .header = h, .subject = ""};
  plan->first = (const struct record *)(bytes + sizeof *h);
  plan->end = (const struct record *)(bytes + n);
  const struct record *r = plan->first;
  uint32_t count = 0;
  for (; r < plan->end; r = rec_next(r), count++) {
    const char *why = check_record(r, (size_t)((const char *)plan->end - (const char *)r));
    if (why)
      return why;
  }
  if (count != h->records)
    return "a wrong count of records";
  return check_order(plan);
}

// Reads the whole plan behind fd. 0, or -1 with *why.
int plan_read(int fd, struct plan *plan, const char **why) {
  static char buffer[PLAN_MAX] __attribute__((aligned(16)));
  size_t n = 0;
  for (;;) {
    ssize_t got = pread(fd, buffer + n, sizeof buffer - n, (off_t)n);
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0) {
      *why = strerror(errno);
      return -1;
    }
    if (got == 0)
      break;
    n += (size_t)got;
    if (n == sizeof buffer) {
      *why = "it is too large";
      return -1;
    }
  }
  *why = plan_check(buffer, n, plan);
  return *why ? -1 : 0;
}

// Whether the plan was made for these arguments. One that covers a prefix is for any command behind it, but a word
// with a dash there may be an option to the face, unless `--` has ended the options.
bool plan_covers(const struct plan *plan, const char *face, int argc, char **argv) {
  const struct record *r = plan->first;
  bool exact = rec_numbers(r)[0];
  if (plan->covered > argc || (exact && plan->covered != argc))
    return false;
  const char *word = rec_string(r, 0), *last = "";
  for (int i = 0; i < plan->covered; i++) {
    if (strcmp(word, i == 0 ? face : argv[i]) != 0)
      return false;
    last = word;
    word += strlen(word) + 1;
  }
  if (exact)
    return true;
  return plan->covered < argc && (argv[plan->covered][0] != '-' || strcmp(last, "--") == 0);
}

// Opens the stored plan that covers these arguments, checks it, and fills *plan. 0, or -1: there is none to be used.
int plan_find(int dir, const char *face, int argc, char **argv, struct plan *plan) {
  uint64_t hash[COVER_MAX + 1];
  int most = argc < COVER_MAX ? argc : COVER_MAX;
  hash[1] = fnv(FNV_SEED, face, strlen(face) + 1);
  for (int i = 1; i < most; i++)
    hash[i + 1] = fnv(hash[i], argv[i], strlen(argv[i]) + 1);
  for (int exact = 1; exact >= 0; exact--) {
    for (int n = exact ? most : most - 1; n >= 1; n = exact ? 0 : n - 1) {
      char name[32];
      snprintf(name, sizeof name, "%c-%016llx", exact ? 'x' : 'p', (unsigned long long)hash[n]);
      cleanup_fd int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK); // a pipe must not hold it up
      if (fd < 0)
        continue;
      struct stat st;
      const char *why;
      if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 022))
        trace_say("plan %s ignored: it is not a private file of ours", name);
      else if (plan_read(fd, plan, &why) != 0)
        trace_say("plan %s ignored: %s", name, why);
      else if (!plan_covers(plan, face, argc, argv))
        trace_say("plan %s is for other arguments", name);
      else if (trace_holds(plan)) {
        trace_say("plan %s used", name);
        return 0;
      }
    }
  }
  return -1;
}

// What ranks that wait for one plan have in common: the arguments up to `--`, or all of them.
uint64_t plan_lock_key(const char *face, int argc, char **argv) {
  uint64_t hash = fnv(FNV_SEED, face, strlen(face) + 1);
  for (int i = 1; i < argc; i++) {
    hash = fnv(hash, argv[i], strlen(argv[i]) + 1);
    if (strcmp(argv[i], "--") == 0)
      break;
  }
  return hash;
}
