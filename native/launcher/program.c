// SPDX-License-Identifier: Apache-2.0
// The last part of a plan: environment, working directory, and becoming the program. Process id, descriptors, signal
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

static size_t env_count;

// Whether all of `text`, up to `end`, matches. It goes back to the last star alone, so that no glob takes long.
static bool glob_matches(const char *glob, const char *text, const char *end) {
  const char *star = NULL, *again = NULL;
  while (text < end) {
    if (*glob == '*') {
      star = glob++;
      again = text;
    } else if (*glob == '?' || *glob == *text) {
      glob++, text++;
    } else if (star) {
      glob = star + 1;
      text = ++again;
    } else {
      return false;
    }
  }
  return glob[strspn(glob, "*")] == 0;
}

static char **env_find(const char *name) {
  size_t n = strlen(name);
  for (char **e = environ; *e; e++)
    if (strncmp(*e, name, n) == 0 && (*e)[n] == '=')
      return e;
  return NULL;
}

static void env_put(const char *name, const char *before, const char *separator, const char *after) {
  size_t size = strlen(name) + strlen(before) + strlen(separator) + strlen(after) + 2;
  char *entry = malloc(size), **place = env_find(name);
  if (!entry)
    abort();
  snprintf(entry, size, "%s=%s%s%s", name, before, separator, after);
  if (place)
    *place = entry;
  else {
    environ[env_count++] = entry;
    environ[env_count] = NULL; // what env_filter left behind must not come back
  }
}

// Removes each variable whose name matches one of the globs, or, where `keep` is set, none of them.
static void env_filter(const struct record *r, bool keep) {
  char **to = environ;
  for (char **from = environ; *from; from++) {
    bool is_match = false;
    const char *end = *from + strcspn(*from, "=");
    for (int i = 0; i < r->strings && !is_match; i++)
      is_match = glob_matches(rec_string(r, i), *from, end);
    if (is_match == keep)
      *to++ = *from;
  }
  *to = NULL;
  env_count = (size_t)(to - environ);
}

// Gives the environment room for as many more variables as the plan can add.
static int env_own(const struct plan *plan) {
  size_t more = 1;
  env_count = 0;
  for (char **e = environ; *e; e++)
    env_count++;
  for (const struct record *r = plan->first; r < plan->end; r = rec_next(r))
    more += r->operation >= OP_ENV_SET && r->operation <= OP_ENV_APPEND;
  char **copy = calloc(env_count + more, sizeof *copy);
  if (!copy)
    return -1;
  memcpy(copy, environ, env_count * sizeof *copy);
  environ = copy;
  return 0;
}

static void env_edit(const struct record *r) {
  const char *name = r->strings ? rec_string(r, 0) : "";
  char **have = env_find(name);
  const char *value = have ? *have + strlen(name) + 1 : NULL;
  switch (r->operation) {
  case OP_ENV_CLEAR:
    env_filter(r, true);
    break;
  case OP_ENV_UNSET:
    env_filter(r, false);
    break;
  case OP_ENV_SET:
    env_put(name, rec_string(r, 1), "", "");
    break;
  case OP_ENV_DEFAULT:
    if (!have)
      env_put(name, rec_string(r, 1), "", "");
    break;
  case OP_ENV_PREPEND:
  case OP_ENV_APPEND:
    if (!value || !*value)
      env_put(name, rec_string(r, 1), "", "");
    else if (r->operation == OP_ENV_PREPEND)
      env_put(name, rec_string(r, 1), rec_string(r, 2), value);
    else
      env_put(name, value, rec_string(r, 2), rec_string(r, 1));
    break;
  default:
    break;
  }
}

static bool is_inside(const char *path, const char *directory) {
  size_t n = strlen(directory);
  while (n > 0 && directory[n - 1] == '/')
    n--;
  return strncmp(path, directory, n) == 0 && (path[n] == 0 || path[n] == '/');
}

// A file that may be run but is neither a program nor a script with a `#!` line is given to the shell, as execvp(3) does.
static void run(const char *path, char **argv) {
  execve(path, argv, environ);
  if (errno != ENOEXEC)
    return;
  char magic[4] = "";
  cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0 || read(fd, magic, sizeof magic) < 0 || memcmp(magic, "\177ELF", 4) == 0) {
    errno = ENOEXEC;
    return;
  }
  size_t n = 0;
  while (argv[n])
    n++;
  char **shell = calloc(n + 2, sizeof *shell);
  if (!shell)
    return;
  shell[0] = "/bin/sh";
  shell[1] = (char *)path;
  for (size_t i = 1; i < n; i++)
    shell[i + 1] = argv[i];
  execve(shell[0], shell, environ);
  errno = ENOEXEC;
}

// Looks a command up in the guest's PATH as execvp(3) does; the errno worth telling survives.
static void search_and_run(char **argv) {
  const char *command = argv[0];
  if (strchr(command, '/')) {
    run(command, argv);
    return;
  }
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

// Executes the records for each rank; returns only with a failure. `rest` are the caller's arguments behind what the
// plan covers; `caller_cwd` is "" where it is unknown.
int become_program(const struct plan *plan, char **rest, const char *caller_cwd, struct fail *f) {
  bool is_placed = false;
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
    case OP_UMASK:
      umask((mode_t)rec_numbers(r)[0]);
      break;
    case OP_LIMIT:
    case OP_DESCRIPTORS:
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
      is_placed = is_placed || (is_inside(caller_cwd, s) && chdir(caller_cwd) == 0);
      break;
    case OP_CHDIR_TRY:
      is_placed = is_placed || chdir(s) == 0;
      break;
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
        errno = 0;
        return FAIL(f, r, "run: no command was given, and the image names none", "");
      }
      search_and_run(argv);
      return FAIL(f, r, "run", argv[0]);
    }
    default:
      break;
    }
  }
  return -1;
}
