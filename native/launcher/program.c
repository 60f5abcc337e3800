// SPDX-License-Identifier: Apache-2.0
// The last part of a plan: working directory, and becoming the program. Process id, descriptors, signal
// dispositions and mask, terminal and process group are the caller's throughout.
#include "launch.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

extern char **environ;

int callers_directory = -1;

static bool is_inside(const char *path, const char *directory) {
  size_t n = strlen(directory);
  while (n > 0 && directory[n - 1] == '/')
    n--;
  return strncmp(path, directory, n) == 0 && (path[n] == 0 || path[n] == '/');
}

// Starts `path`, with its own arguments, by an interpreter with one argument or none.
void run_by(char *interpreter, char *argument, const char *path, char **argv) {
  size_t n = 0, words = 0;
  while (argv[n])
    n++;
  char **all = calloc(n + 3, sizeof *all);
  if (!all)
    return;
  all[words++] = interpreter;
  if (argument)
    all[words++] = argument;
  all[words++] = (char *)path;
  for (size_t i = 1; i < n; i++)
    all[words++] = argv[i];
  execve(interpreter, all, environ);
  free(all);
}

// The first bytes of a file, with a NUL behind them. False where it can't be read.
bool read_start(const char *path, char *to, size_t room) {
  cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t n = fd < 0 ? -1 : read(fd, to, room - 1);
  to[n < 0 ? 0 : n] = 0;
  return n >= 0;
}

// Starts `argv` as the file at `path`: what is neither a program nor a script with a `#!` line by the shell, as execvp(3)
// does and the kernel does not.
void run(const char *path, char **argv) {
  execve(path, argv, environ);
  int error = errno;
  char start[8];
  if (error == ENOEXEC && read_start(path, start, sizeof start) && memcmp(start, "\177ELF", 4) != 0)
    run_by("/bin/sh", NULL, path, argv);
  errno = error;
}

// Looks a command up in the guest's PATH as execvp(3) does; the errno worth telling survives.
static void search_and_run(char **argv) {
  const char *command = argv[0];
  if (strchr(command, '/')) {
    run(command, argv);
    return;
  }
  errno = ENOENT;
  if (!*command)
    return;
  const char *path = getenv("PATH");
  if (!path || !*path)
    path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  int worth = ENOENT;
  for (const char *p = path;; p++) {
    size_t n = strcspn(p, ":");
    char candidate[4096];
    int length = snprintf(candidate, sizeof candidate, "%.*s%s%s", (int)n, p, n ? "/" : "", command);
    if (length < (int)sizeof candidate) {
      run(candidate, argv);
      if (errno != ENOENT && errno != ENOTDIR)
        worth = errno;
    }
    p += n;
    if (!*p)
      break;
  }
  errno = worth;
}

// Executes the records for each rank; returns only with a failure, or with 0 at END. `rest` are the caller's arguments
// behind what the plan covers; `caller_cwd` is "" where it is unknown.
int become_program(const struct plan *plan, char **rest, const char *caller_cwd, struct fail *f) {
  bool is_placed = false, is_entered = false;
  const struct record *from = plan->first;
  if (become_init() != 0)
    return FAIL(f, from, "start the program's process", "");
  if (env_own(plan) != 0)
    return FAIL(f, from, "keep the environment", "");
  for (const struct record *r = from; r < plan->end; r = rec_next(r)) {
    const char *s = r->strings ? rec_string(r, 0) : "";
    switch (r->operation) {
    case OP_ENV_CLEAR ... OP_ENV_APPEND:
      env_edit(r);
      break;
    case OP_ACTIVATE:
    case OP_ACTIVATED:
    case OP_EXEC_NAMESAKE:
      if (become_own(&r, rest - plan->covered, f) != 0)
        return -1;
      break;
    case OP_ENTER:
      is_entered = true;
      break;
    case OP_HOOK:
      if (is_entered && hook(r, f) != 0)
        return -1;
      break;
    case OP_UMASK:
      umask((mode_t)rec_numbers(r)[0]);
      break;
    case OP_LIMIT:
    case OP_DESCRIPTORS:
    case OP_DISCARD:
    case OP_CAPABILITIES:
    case OP_NO_NEW_PRIVS:
    case OP_SECCOMP:
      if (confine(r, f) != 0)
        return -1;
      break;
    case OP_CHDIR:
      if (chdir(s) != 0)
        return FAIL(f, r, "change to the working directory", s);
      is_placed = true;
      break;
    case OP_CHDIR_CALLER:
    case OP_CHDIR_TRY: {
      bool is_callers = r->operation == OP_CHDIR_CALLER;
      const char *directory = is_callers ? caller_cwd : s;
      if (is_placed)
        break;
      is_placed = (!is_callers || is_inside(directory, s)) && chdir(directory) == 0;
      is_placed = is_placed || (is_callers && callers_directory >= 0 && strcmp(s, "/") == 0 && fchdir(callers_directory) == 0);
      if (!is_placed && rec_numbers(r)[0])
        complain("%s: change to the working directory %s: it can't be entered here; the next is tried",
                 rec_string(plan->first, 0), *directory ? directory : "of the caller");
      break;
    }
    case OP_END:
      return 0;
    case OP_EXEC: {
      size_t n = r->strings;
      while (rest[n - r->strings])
        n++;
      char **argv = calloc(n + 1, sizeof *argv);
      if (!argv)
        return FAIL(f, r, "keep the arguments", "");
      for (int i = 0; i < r->strings; i++)
        argv[i] = (char *)rec_string(r, i);
      memcpy(argv + r->strings, rest, (n - r->strings) * sizeof *argv);
      if (n == 0) {
        free(argv);
        errno = 0;
        return FAIL(f, r, "run: no command was given, and the image names none", "");
      }
      search_and_run(argv);
      FAIL(f, r, "run", argv[0]);
      free(argv);
      return -1;
    }
    default:
      break;
    }
  }
  return -1;
}
