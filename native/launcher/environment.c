// SPDX-License-Identifier: Apache-2.0
// The environment of the program: the caller's own, edited by the records of the plan.
#include "launch.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

void env_put(const char *name, const char *before, const char *separator, const char *after) {
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
int env_own(const struct plan *plan) {
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

void env_edit(const struct record *r) {
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
