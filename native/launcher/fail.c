// SPDX-License-Identifier: Apache-2.0
// What a person is told when a step fails: what, on which path, why, who asked for it, and what to do.
#include "launch.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

bool tracing;
int report_fd = 2;

static void say(const char *prefix, const char *format, va_list arguments) {
  char line[8192];
  int n = snprintf(line, sizeof line, "%s", prefix);
  int m = vsnprintf(line + n, sizeof line - (size_t)n - 1, format, arguments);
  n += m < 0 ? 0 : m;
  if (n > (int)sizeof line - 2)
    n = (int)sizeof line - 2;
  // A name from an image must not drive the terminal: controls, DEL, and the second set of controls in UTF-8.
  for (unsigned char *p = (unsigned char *)line, *end = p + n; p < end; p++) {
    bool is_pair = p[0] == 0xc2 && p + 1 < end && p[1] >= 0x80 && p[1] < 0xa0;
    if ((*p < ' ' && *p != '\n') || *p == 0x7f || is_pair)
      *p = '?';
    if (is_pair)
      *++p = '?';
  }
  line[n++] = '\n';
  (void)!write(report_fd, line, (size_t)n);
}

void complain(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  say("", format, arguments);
  va_end(arguments);
}

void trace_say(const char *format, ...) {
  if (!tracing)
    return;
  va_list arguments;
  va_start(arguments, format);
  say("slipway-trace: ", format, arguments);
  va_end(arguments);
}

// A plan asks this program for what is another's.
int not_ours(const struct record *r, struct fail *f) {
  errno = 0;
  return FAIL(f, r, "carry out the plan: it is for another of Slipway's programs", "");
}

static const char *errno_name(int error) {
#define E(name) {name, #name}
  static const struct {
    int error;
    const char *name;
  } names[] = {
      E(EPERM), E(ENOENT), E(EIO), E(ENOEXEC), E(ENOMEM), E(EACCES), E(EBUSY), E(EEXIST), E(ENODEV), E(ENOTDIR),
      E(EISDIR), E(EINVAL), E(ENFILE), E(EMFILE), E(ETXTBSY), E(ENOSPC), E(EROFS), E(E2BIG), E(ELOOP),
      E(ENAMETOOLONG), E(ENOSYS), E(EUSERS), E(ESTALE), E(ENOTCONN), E(ECONNREFUSED), E(ESRCH), E(EAGAIN), E(ECHILD),
      E(ENXIO), E(EOVERFLOW), E(EXDEV), E(ECONNABORTED),
  };
#undef E
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (names[i].error == error)
      return names[i].name;
  return "";
}

// What to do, by operation and errno; the first row that fits. 0 stands for any errno.
static const struct {
  int operation, error;
  const char *step, *hint;
} hints[] = {
    {OP_NAMESPACES, 0, NULL,
     "unprivileged user namespaces are off, or used up, on this machine; `slipway doctor` names the setting to change"},
    {OP_HOLD, ECHILD, NULL, "the process that mounts the image ended at once; run again with SLIPWAY_TRACE=1"},
    {OP_ROOT_SQUASHFUSE, ENOENT, "open",
     "if it is /dev/fuse, an administrator must load the kernel module fuse; if it is the image, pull it again"},
    {OP_ROOT_SQUASHFUSE, ENXIO, "open", "an administrator must load the kernel module fuse: modprobe fuse"},
    {OP_ROOT_SQUASHFUSE, EACCES, "open",
     "if it is /dev/fuse, an administrator must let users open it: chmod 0666 /dev/fuse, as udev does elsewhere"},
    {OP_ROOT_SQUASHFUSE, 0, "start", "install squashfuse (package squashfuse), or run an unpacked directory instead"},
    {OP_ROOT_SQUASHFUSE, EPERM, "mount", "the kernel does not let users mount FUSE (4.18 or newer is needed)"},
    {OP_ROOT_SQUASHFUSE, 0, "read the root directory of",
     "the file is damaged, or no squashfs that squashfuse can read; pull or convert the image again"},
    {OP_OVERLAY, 0, NULL,
     "overlays for users need Linux 5.11, and a directory on a local file system (not NFS or Lustre); `slipway doctor` tells"},
    {OP_BIND, EOVERFLOW, NULL,
     "the directory in the image belongs to a user or group that is not mapped here; unpack the image as yourself"},
    {OP_BIND, ENOENT, "find the mount point",
     "the image has no such path; mount elsewhere, or run with --writable, where it is made"},
    {OP_BIND, EXDEV, "find the mount point",
     "it is missing in a directory of this machine, where nothing is made for a container; make it there, or mount elsewhere"},
    {OP_BIND, EROFS, NULL, "the image is read-only and has no such path; run with --writable, where it is made"},
    {OP_BIND, ENOENT, "open", "make it on the host, or leave out this mount"},
    {OP_BIND, ENOTDIR, "mount on", "a directory can be mounted on a directory only, and a file on a file"},
    {OP_DEVICE, ENODEV, "allow the container to use",
     "no device cgroup is to be seen from here; devices of a rootless container are its runtime's business"},
    {OP_HOOK, 0, NULL, "what it says itself stands above; its configuration is an administrator's to mend"},
    {OP_CHDIR, 0, NULL, "name a directory that exists in the container with --workdir"},
    {OP_EXEC, 0, "run: no command was given, and the image names none", "name one after the image"},
    {OP_EXEC, ENOEXEC, NULL, "it is built for another kind of processor, or damaged"},
    {OP_EXEC, ENOTCONN, NULL, "the process that served the image has just died; run it again"},
    {OP_EXEC, ECONNABORTED, NULL, "the process that served the image has just died; run it again"},
    {OP_EXEC, EACCES, NULL, "it is no file that you may execute; look at its mode in the image"},
};

// What a record does that fails for the same reasons.
static int kind_of(const struct record *r) {
  int operation = r ? r->operation : OP_COUNT;
  return operation == OP_SQUASHFUSE ? OP_ROOT_SQUASHFUSE : operation == OP_EXEC_NAMESAKE ? OP_EXEC : operation;
}

static const char *hint_of(const struct fail *f) {
  for (size_t i = 0; i < sizeof hints / sizeof *hints; i++)
    if (hints[i].operation == kind_of(f->record) && (!hints[i].error || hints[i].error == f->error) &&
        (!hints[i].step || strcmp(hints[i].step, f->step) == 0))
      return hints[i].hint;
  return NULL;
}

// The text that says who asked for a record: its last string, where it has one.
static const char *origin_of(const struct record *r) {
  switch (r ? r->operation : OP_COUNT) {
  case OP_NAMESPACES:
  case OP_ROOT_DIRECTORY:
  case OP_ROOT_SQUASHFUSE:
  case OP_ROOT_SQUASHFS:
  case OP_SQUASHFUSE:
  case OP_OVERLAY:
  case OP_BIND:
  case OP_DEVICE:
  case OP_TMPFS:
  case OP_PROC:
  case OP_JOIN:
  case OP_CHDIR:
  case OP_HOOK:
    return rec_string(r, r->strings - 1);
  default:
    return NULL;
  }
}

void report(const struct plan *plan, const struct fail *f) {
  const char *face = rec_string(plan->first, 0);
  char what[4608];
  bool is_missing = kind_of(f->record) == OP_EXEC && f->error == ENOENT;
  if (f->record)
    trace_say("record at byte %td, %s, failed at %s:%d", (const char *)f->record - plan->bytes,
              operation_names[f->record->operation], f->file, f->line);
  snprintf(what, sizeof what, "%s%s%.4096s", f->step, *f->object ? " " : "", f->object);
  if (plan->header->style != STYLE_SLIPWAY) {
    // Charliecloud names its system call where a command can't be run.
    bool is_command = f->record && f->record->operation == OP_EXEC && f->error, is_cd = f->record && f->record->operation == OP_CHDIR;
    char number[16] = "";
    if (f->error)
      snprintf(number, sizeof number, " %d", f->error);
    complain("%s[%d]: error: can't %s%s%s%s (%s:%d%s)", face, (int)getpid(), is_command ? "execve(2): " : is_cd ? "cd to " : what,
             is_command || is_cd ? f->object : "", f->error ? ": " : "", f->error ? strerror(f->error) : "", f->file, f->line,
             number);
    return;
  }
  if (is_missing)
    complain("%s: %s: %s in %s (ENOENT)", face, what,
             strchr(f->object, '/') ? "no such file, or its interpreter is missing," : "no such command on PATH", plan->subject);
  else if (f->error)
    complain("%s: %s: %s (%s)", face, what, strerror(f->error), errno_name(f->error));
  else
    complain("%s: %s", face, what);
  const char *origin = origin_of(f->record), *hint = hint_of(f);
  if (origin && *origin)
    complain("  asked for by: %s", origin);
  if (hint)
    complain("  hint: %s", hint);
}
