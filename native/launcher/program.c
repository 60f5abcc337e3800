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

// Whether all of `text`, up to `end`, leads through the transitions to a state where it may end.
// src/formats/glob/automaton.ts describes the numbers.
static bool table_matches(const struct record *r, const char *text, const char *end) {
  const uint64_t *table = rec_numbers(r);
  uint64_t state = 0;
  for (; text <= end; text++) {
    unsigned char byte = (unsigned char)*text;
    int i = 0;
    for (; i < r->numbers; i++) {
      if ((table[i] & 0xffff) != state || (table[i] >> 48) != (text == end))
        continue;
      if (text == end)
        return true;
      if ((table[i] >> 32 & 0xff) <= byte && byte <= (table[i] >> 40 & 0xff))
        break;
    }
    if (i == r->numbers)
      return false;
    state = table[i] >> 16 & 0xffff;
  }
  return false;
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

// Of the value's pieces between colons, `$NAME` stands for that variable's value; it is left out where that is empty.
static void env_expand(const char *name, const char *value) {
  char *text = NULL, *pieces = strdup(value);
  size_t size;
  FILE *to = open_memstream(&text, &size);
  if (!to || !pieces)
    abort();
  const char *colon = "";
  for (char *next = pieces; next;) {
    const char *one = strsep(&next, ":");
    if (one[0] == '$' && one[1]) {
      char **have = env_find(one + 1);
      one = have ? *have + strlen(one) : "";
      if (!*one)
        continue;
    }
    fprintf(to, "%s%s", colon, one);
    colon = ":";
  }
  if (fclose(to) != 0)
    abort();
  env_put(name, text, "", "");
  free(text);
  free(pieces);
}

// Removes each variable whose name matches one of the globs, or, where `keep` is set, none of them.
static void env_filter(const struct record *r, bool keep) {
  char **to = environ;
  for (char **from = environ; *from; from++) {
    bool is_match = false;
    const char *end = *from + strcspn(*from, "=");
    for (int i = 0; i < r->strings && !is_match; i++)
      is_match = r->operation == OP_ENV_UNSET_MATCHING ? table_matches(r, *from, end)
                                                       : glob_matches(rec_string(r, i), *from, end);
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
    more += r->operation >= OP_ENV_SET && r->operation <= OP_ACTIVATED;
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
  case OP_ENV_UNSET_MATCHING:
    env_filter(r, false);
    break;
  case OP_ENV_SET:
    env_put(name, rec_string(r, 1), "", "");
    break;
  case OP_ENV_DEFAULT:
    if (!have)
      env_put(name, rec_string(r, 1), "", "");
    break;
  case OP_ENV_EXPAND:
    env_expand(name, rec_string(r, 1));
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

// The end of the records about the activation of an environment, where they are to be left out; else their begin.
static const struct record *pass_activation(const struct record *r) {
  bool is_wanted = !getenv(rec_string(r, 0)) && (!*wrapper_venv || getenv(rec_string(r, 1)));
  while (!is_wanted && r->operation != OP_ACTIVATED)
    r = rec_next(r);
  return r;
}

static bool is_inside(const char *path, const char *directory) {
  size_t n = strlen(directory);
  while (n > 0 && directory[n - 1] == '/')
    n--;
  return strncmp(path, directory, n) == 0 && (path[n] == 0 || path[n] == '/');
}

// Where a script's `#!` line names an interpreter of a wrapped installation that was moved, the one that is here now.
// NULL: it does not. The line's one argument, where there is one, goes to *argument.
static char *moved_interpreter(char *line, const char *was, const char *is, char **argument) {
  size_t n = strlen(was);
  char *name = line + 2 + strspn(line + 2, " \t"), *end = name + strcspn(name, "\n");
  if (strncmp(line, "#!", 2) != 0 || strncmp(name, was, n) != 0 || name[n] != '/' || !*end)
    return NULL;
  *end = 0;
  char *blank = name + strcspn(name, " \t"), *path = NULL;
  *argument = *blank ? blank + strspn(blank, " \t") : NULL;
  *blank = 0;
  return asprintf(&path, "%s%s", is, name + n) < 0 ? NULL : path;
}

// Starts `argv` as the file at `path`, and falls back as the kernel does not: for a file that is neither a program nor a
// script with a `#!` line to the shell, as execvp(3) does; for a script of an installation that was built in `was` and is
// in `is` now, to the interpreter there.
static void run(const char *path, char **argv, const char *was, const char *is) {
  execve(path, argv, environ);
  if (errno != ENOEXEC && (errno != ENOENT || !was || strcmp(was, is) == 0))
    return;
  int error = errno;
  char line[4096] = "";
  cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t got = fd < 0 ? -1 : read(fd, line, sizeof line - 1);
  size_t n = 0, words = 0;
  while (argv[n])
    n++;
  char **shell = calloc(n + 3, sizeof *shell), *argument = NULL, *interpreter = NULL;
  if (got >= 0 && error == ENOENT)
    interpreter = moved_interpreter(line, was, is, &argument);
  else if (got >= 0 && memcmp(line, "\177ELF", 4) != 0)
    interpreter = "/bin/sh";
  if (shell && interpreter) {
    shell[words++] = interpreter;
    if (argument)
      shell[words++] = argument;
    shell[words++] = (char *)path;
    for (size_t i = 1; i < n; i++)
      shell[words++] = argv[i];
    execve(interpreter, shell, environ);
  }
  free(shell);
  errno = error;
}

// Looks a command up in the guest's PATH as execvp(3) does; the errno worth telling survives.
static void search_and_run(char **argv) {
  const char *command = argv[0];
  if (strchr(command, '/')) {
    run(command, argv, NULL, NULL);
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
      run(candidate, argv, NULL, NULL);
      if (errno != ENOENT && errno != ENOTDIR)
        worth = errno;
    }
    p += n;
    if (!*p)
      break;
  }
  errno = worth;
}

// The program in the image that has this wrapper's name, with the words of the caller, his argv[0] included: Python finds
// its virtual environment by that. Where the plan names words that are to start it, they come first.
static int run_namesake(const struct record *r, char **argv, struct fail *f) {
  char *path, *is = strdup(rec_string(r, 0)), *slash = is ? strrchr(is, '/') : NULL;
  size_t n = 0;
  while (argv[n])
    n++;
  char **words = calloc(n + r->strings, sizeof *words);
  if (!slash || !words || asprintf(&path, "%s/%s", is, wrapper_name) < 0)
    return FAIL(f, r, "keep the arguments", "");
  *slash = 0;
  if (r->strings == 2) {
    run(path, argv, rec_string(r, 1), is);
    return FAIL(f, r, "run", path);
  }
  for (int i = 2; i < r->strings; i++)
    words[i - 2] = (char *)rec_string(r, i);
  words[r->strings - 2] = path;
  memcpy(words + r->strings - 1, argv, n * sizeof *words);
  execve(words[0], words, environ);
  return FAIL(f, r, "run", words[0]);
}

// Executes the records for each rank; returns only with a failure, or with 0 at END. `rest` are the caller's arguments behind what the
// plan covers; `caller_cwd` is "" where it is unknown, `here` the directory itself.
int become_program(const struct plan *plan, char **rest, const char *caller_cwd, int here, struct fail *f) {
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
    case OP_ACTIVATE:
      r = pass_activation(r);
      break;
    case OP_ACTIVATED:
      if (*wrapper_venv)
        env_put("PATH", wrapper_venv, getenv("PATH") ? ":" : "", getenv("PATH") ? getenv("PATH") : "");
      break;
    case OP_HOOK:
      if (rec_numbers(r)[0] == HOOK_START_CONTAINER && hook(r, f) != 0)
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
      // A wrapper of what is not isolated keeps a directory that was removed, or has no way to it, as any program does.
      is_placed = is_placed || (is_callers && *wrapper_name && strcmp(s, "/") == 0 && fchdir(here) == 0);
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
        errno = 0;
        return FAIL(f, r, "run: no command was given, and the image names none", "");
      }
      search_and_run(argv);
      return FAIL(f, r, "run", argv[0]);
    }
    case OP_EXEC_NAMESAKE:
      return run_namesake(r, rest - plan->covered, f);
    default:
      break;
    }
  }
  return -1;
}
