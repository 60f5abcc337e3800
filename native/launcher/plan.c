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

// Rules that span records: what must be there, once, and in which order.
static const char *check_order(struct plan *plan) {
  int cover = 0, exec = 0, held = 0, enter = 0, namespaces = 0, roots = 0, activation = 0, hooks = 0;
  for (const struct record *r = plan->first; r < plan->end; r = rec_next(r)) {
    const uint64_t *n = rec_numbers(r);
    switch (r->operation) {
    case OP_COVER:
      if (cover++ || r != plan->first || n[0] > 1 || r->strings > COVER_MAX)
        return "COVER out of place";
      plan->covered = r->strings;
      break;
    case OP_SUBJECT:
      plan->subject = rec_string(r, 0);
      break;
    case OP_IDENTITY:
      if (r->numbers < 2)
        return "IDENTITY without ids";
      break;
    case OP_NAMESPACES:
      // The first before all that it is for; another, of other ids, once all is mounted.
      if (n[1] > UINT32_MAX || n[2] > UINT32_MAX || (namespaces++ && roots && !enter))
        return "NAMESPACES out of place";
      break;
    case OP_HOLD_WHEN:
      if (rec_next(r) == plan->end || rec_next(r)->operation != OP_HOLD)
        return "HOLD_WHEN out of place";
      break;
    case OP_HOLD:
      if (plan->hold || roots || !namespaces)
        return "HOLD out of place";
      plan->hold = r;
      break;
    case OP_HELD:
      if (held++ || !plan->hold || !enter)
        return "HELD out of place";
      break;
    case OP_JOIN:
      if (roots || namespaces || n[0] < 1 || n[0] > INT32_MAX)
        return "JOIN out of place";
      break;
    case OP_ROOT_DIRECTORY:
    case OP_ROOT_SQUASHFUSE:
    case OP_ROOT_SQUASHFS:
      if (n[0] > MOUNT_FLAGS_ALL)
        return "unknown mount flags";
      if (roots++ || !namespaces)
        return "a root out of place";
      break;
    case OP_ROOT_HOST: // or, after another root was entered, that one
      if (roots && !enter)
        return "a root out of place";
      roots = 1, enter = 0;
      break;
    case OP_ROOT_BUNDLE:
      if (roots++ || namespaces)
        return "a root out of place";
      break;
    case OP_DEVICE:
      if (n[1] > (ACCESS_MAKE | ACCESS_READ | ACCESS_WRITE))
        return "unknown access to a device";
      // fall through
    case OP_SQUASHFUSE:
    case OP_BIND:
    case OP_TMPFS:
      if (n[0] > MOUNT_FLAGS_ALL)
        return "unknown mount flags";
      // fall through
    case OP_OVERLAY:
    case OP_PROC:
    case OP_ROOT_READ_ONLY:
    case OP_SHOW_ROOT:
      if (!roots || enter)
        return "a mount out of place";
      break;
    case OP_HOOK: {
      bool is_building = roots && !enter;
      if (n[0] >= HOOK_STAGES || n[1] > INT32_MAX || n[2] > r->strings - (uint64_t)HOOK_STRINGS)
        return "a hook out of bounds";
      if ((n[0] <= HOOK_CREATE_RUNTIME && !roots) || (n[0] == HOOK_CREATE_CONTAINER && !is_building) ||
          (n[0] == HOOK_START_CONTAINER && !enter))
        return "HOOK out of place";
      hooks++;
      break;
    }
    case OP_ENTER:
    case OP_LEAVE:
      if (!roots || enter++)
        return "ENTER out of place";
      break;
    case OP_ACTIVATE:
      if (activation++ % 2)
        return "ACTIVATE out of place";
      break;
    case OP_ACTIVATED:
      if (activation++ % 2 == 0)
        return "ACTIVATED out of place";
      break;
    case OP_EXEC_NAMESAKE:
      if (plan->covered != 1)
        return "EXEC_NAMESAKE out of place";
      // fall through
    case OP_EXEC:
    case OP_END:
      if (exec++ || rec_next(r) != plan->end)
        return "EXEC out of place";
      break;
    default:
      break;
    }
  }
  if (!cover || !exec || (plan->hold && !held) || (roots && !enter) || activation % 2 || (hooks && plan->hold))
    return "it is incomplete";
  return NULL;
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
