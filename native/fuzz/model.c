// SPDX-License-Identifier: Apache-2.0
// What a plan makes of an environment, worked out in the plainest way, to be compared with what program.c makes of it.
#include "fuzz.h"
#include <string.h>

struct variables {
  char *entry[2048];
  size_t count;
};

// By a table of which prefixes match which: no cleverness that program.c might share.
static bool matches(const char *glob, const char *name, size_t length) {
  size_t stars = strlen(glob);
  bool *row = calloc(length + 1, sizeof *row), *next = calloc(length + 1, sizeof *next);
  REQUIRE(row && next);
  row[0] = true;
  for (size_t i = 0; i < stars; i++) {
    next[0] = row[0] && glob[i] == '*';
    for (size_t j = 1; j <= length; j++)
      next[j] = glob[i] == '*' ? row[j] || next[j - 1] : row[j - 1] && (glob[i] == '?' || glob[i] == name[j - 1]);
    bool *last = row;
    row = next, next = last;
  }
  bool is_match = row[length];
  free(row), free(next);
  return is_match;
}

// From `state` on, one byte after the other; of the transitions that a byte has, the first counts.
static bool leads_to_end(const struct record *r, uint64_t state, const char *name, size_t length) {
  for (int i = 0; i < r->numbers; i++) {
    uint64_t t = rec_numbers(r)[i], from = t & 0xffff, to = t >> 16 & 0xffff, least = t >> 32 & 0xff, most = t >> 40 & 0xff;
    bool is_end = t >> 48 == 1;
    if (from != state || t >> 48 > 1 || is_end != (length == 0))
      continue;
    if (is_end)
      return true;
    if (least <= (unsigned char)*name && (unsigned char)*name <= most)
      return leads_to_end(r, to, name + 1, length - 1);
  }
  return false;
}

static void filter(struct variables *v, const struct record *r, bool keep) {
  size_t kept = 0;
  for (size_t i = 0; i < v->count; i++) {
    bool is_match = false;
    for (int s = 0; s < r->strings && !is_match; s++)
      is_match = r->operation == OP_ENV_UNSET_MATCHING ? leads_to_end(r, 0, v->entry[i], strcspn(v->entry[i], "="))
                                                       : matches(rec_string(r, s), v->entry[i], strcspn(v->entry[i], "="));
    if (is_match == keep)
      v->entry[kept++] = v->entry[i];
    else
      free(v->entry[i]);
  }
  v->count = kept;
}

static char **find(struct variables *v, const char *name) {
  size_t n = strlen(name);
  for (size_t i = 0; i < v->count; i++)
    if (strlen(v->entry[i]) > n && memcmp(v->entry[i], name, n) == 0 && v->entry[i][n] == '=')
      return &v->entry[i];
  return NULL;
}

static void put(struct variables *v, const char *name, const char *before, const char *separator, const char *after) {
  char *entry, **place = find(v, name);
  REQUIRE(asprintf(&entry, "%s=%s%s%s", name, before, separator, after) >= 0);
  if (place) {
    free(*place);
    *place = entry;
  } else {
    REQUIRE(v->count + 1 < sizeof v->entry / sizeof *v->entry);
    v->entry[v->count++] = entry;
  }
}

static void expand(struct variables *v, const char *name, const char *value) {
  char *text = strdup("");
  bool is_first = true;
  for (;;) {
    size_t n = strcspn(value, ":");
    char *piece = strndup(value, n), *joined;
    char **have = piece[0] == '$' && piece[1] ? find(v, piece + 1) : NULL;
    const char *one = piece[0] != '$' || !piece[1] ? piece : have ? *have + strlen(piece) : NULL;
    if (one && (*one || one == piece)) {
      REQUIRE(asprintf(&joined, "%s%s%s", text, is_first ? "" : ":", one) >= 0);
      free(text);
      text = joined, is_first = false;
    }
    free(piece);
    value += n;
    if (!*value++)
      break;
  }
  put(v, name, text, "", "");
  free(text);
}

static void edit(struct variables *v, const struct record *r) {
  if (r->operation == OP_ENV_CLEAR || r->operation == OP_ENV_UNSET || r->operation == OP_ENV_UNSET_MATCHING) {
    filter(v, r, r->operation == OP_ENV_CLEAR);
    return;
  }
  if (r->operation == OP_ENV_EXPAND) {
    expand(v, rec_string(r, 0), rec_string(r, 1));
    return;
  }
  const char *name = rec_string(r, 0), *value = rec_string(r, 1);
  char **place = find(v, name), *old = place ? strdup(strchr(*place + strlen(name), '=') + 1) : NULL;
  bool is_joined = old && *old;
  if (r->operation == OP_ENV_SET || (r->operation == OP_ENV_DEFAULT ? !old : !is_joined))
    put(v, name, value, "", "");
  else if (r->operation == OP_ENV_PREPEND)
    put(v, name, value, rec_string(r, 2), old);
  else if (r->operation == OP_ENV_APPEND)
    put(v, name, old, rec_string(r, 2), value);
  free(old);
}

// As getenv(3): what has no name is no variable.
static bool is_set(struct variables *v, const char *name) { return *name && find(v, name); }

// The environment that the program must get, ended by NULL.
char **model_environment(const struct plan *plan, char **caller) {
  struct variables *v = calloc(1, sizeof *v);
  REQUIRE(v);
  for (; *caller; caller++)
    v->entry[v->count++] = strdup(*caller);
  bool is_left_out = false;
  for (const struct record *r = plan->first; r < plan->end; r = rec_next(r)) {
    if (r->operation == OP_ACTIVATE)
      is_left_out = is_set(v, rec_string(r, 0)) || (*fake_venv && !is_set(v, rec_string(r, 1)));
    if (r->operation >= OP_ENV_CLEAR && r->operation <= OP_ENV_APPEND && !is_left_out)
      edit(v, r);
    if (r->operation != OP_ACTIVATED)
      continue;
    bool is_first = *fake_venv && !is_left_out;
    is_left_out = false;
    char **path = is_first ? find(v, "PATH") : NULL, *rest = path ? strdup(*path + strlen("PATH=")) : NULL;
    if (is_first)
      put(v, "PATH", fake_venv, rest ? ":" : "", rest ? rest : "");
    free(rest);
  }
  char **environment = calloc(v->count + 1, sizeof *environment);
  REQUIRE(environment);
  memcpy(environment, v->entry, v->count * sizeof *environment);
  free(v);
  return environment;
}

void model_free(char **environment) {
  for (char **e = environment; *e; e++)
    free(*e);
  free(environment);
}
