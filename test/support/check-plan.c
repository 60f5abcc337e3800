// SPDX-License-Identifier: Apache-2.0
// The launcher's own reading of plans, for comparison with what the encoder wrote. Linked with launcher/plan.c.
// stdin: any number of plans, each after its length as 32 bits, little-endian. stdout: for each either `no: WHY`, or
// `ok: STATUSES STYLE MAX-AGE`, a line `name: FILE` with the name under which the launcher looks for it, and a line for
// each record: operation, numbers, and strings in JSON's notation. A line `.` ends each.
#include "../../native/launcher/launch.h"
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

bool trace_holds(const struct plan *plan) { return plan != NULL; }
void trace_say(const char *format, ...) { (void)format; }

static void print_string(const char *s) {
  putchar('"');
  for (; *s; s++)
    if (*s == '"' || *s == '\\')
      printf("\\%c", *s);
    else if ((unsigned char)*s < ' ' || *s == 0x7f)
      printf("\\u%04x", *s);
    else
      putchar(*s);
  putchar('"');
}

static void print_name(const struct plan *plan) {
  const char *word = rec_string(plan->first, 0);
  uint64_t hash = FNV_SEED;
  for (int i = 0; i < plan->covered; i++, word += strlen(word) + 1)
    hash = fnv(hash, word, strlen(word) + 1);
  printf("name: %c-%016llx\n", rec_numbers(plan->first)[0] ? 'x' : 'p', (unsigned long long)hash);
}

int main(int argc, char **argv) {
  static char bytes[PLAN_MAX + 8] __attribute__((aligned(16)));
  uint32_t n;
  if (argc == 2 && strcmp(argv[1], "constants") == 0) {
    printf("{\"RECURSIVE\":%d,\"READ_ONLY\":%d,\"OPTIONAL\":%d,\"CREATE\":%d,\"NOSUID\":%d,\"NODEV\":%d,\"NOEXEC\":%d,"
           "\"mount\":%d,\"pid\":%d,\"ipc\":%d,\"uts\":%d,\"net\":%d,\"user\":%d,",
           MOUNT_RECURSIVE, MOUNT_READ_ONLY, MOUNT_OPTIONAL, MOUNT_CREATE, MOUNT_NOSUID, MOUNT_NODEV, MOUNT_NOEXEC,
           CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWIPC, CLONE_NEWUTS, CLONE_NEWNET, CLONE_NEWUSER);
    printf("\"as\":%d,\"core\":%d,\"cpu\":%d,\"data\":%d,\"fsize\":%d,\"locks\":%d,\"memlock\":%d,\"msgqueue\":%d,"
           "\"nice\":%d,\"nofile\":%d,\"nproc\":%d,\"rss\":%d,\"rtprio\":%d,\"rttime\":%d,\"sigpending\":%d,\"stack\":%d}\n",
           RLIMIT_AS, RLIMIT_CORE, RLIMIT_CPU, RLIMIT_DATA, RLIMIT_FSIZE, RLIMIT_LOCKS, RLIMIT_MEMLOCK, RLIMIT_MSGQUEUE,
           RLIMIT_NICE, RLIMIT_NOFILE, RLIMIT_NPROC, RLIMIT_RSS, RLIMIT_RTPRIO, RLIMIT_RTTIME, RLIMIT_SIGPENDING,
           RLIMIT_STACK);
    return 0;
  }
  while (fread(&n, sizeof n, 1, stdin) == 1) {
    if (n > sizeof bytes || fread(bytes, 1, n, stdin) != n)
      return 1;
    struct plan plan;
    const char *why = plan_check(bytes, n, &plan);
    if (why) {
      printf("no: %s\n.\n", why);
      continue;
    }
    const struct header *h = plan.header;
    printf("ok: %d %d %d %d %llu\n", h->status_own, h->status_not_found, h->status_not_executable, h->style,
           (unsigned long long)h->max_age_ns);
    print_name(&plan);
    for (const struct record *r = plan.first; r < plan.end; r = rec_next(r)) {
      printf("%s", operation_names[r->operation]);
      for (int i = 0; i < r->numbers; i++)
        printf(" %llu", (unsigned long long)rec_numbers(r)[i]);
      for (int i = 0; i < r->strings; i++) {
        putchar(' ');
        print_string(rec_string(r, i));
      }
      putchar('\n');
    }
    puts(".");
  }
  return 0;
}
