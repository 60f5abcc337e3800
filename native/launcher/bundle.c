// SPDX-License-Identifier: Apache-2.0
// What an OCI runtime tells a hook: on standard input the container's state (runtime-spec, "State"), in that the path of
// its bundle, and there config.json with the root and the ids of the container's process. Just enough of JSON (RFC 8259)
// is read to find a value by the names that lead to it; of names that stand twice the last counts, as everywhere else.
#include "launch.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { JSON_DEPTH_MAX = 64 };

static void skip_blanks(struct json *j) {
  while (j->at < j->end && strchr(" \t\r\n", *j->at) && *j->at)
    j->at++;
}

static bool take(struct json *j, char c) {
  skip_blanks(j);
  if (j->at >= j->end || *j->at != c)
    return false;
  j->at++;
  return true;
}

static int hex4(struct json *j) {
  int value = 0;
  for (int i = 0; i < 4; i++, j->at++) {
    char c = j->at < j->end ? *j->at : 0, lower = c | 0x20;
    if (!(c >= '0' && c <= '9') && !(lower >= 'a' && lower <= 'f'))
      return -1;
    value = value * 16 + (c <= '9' ? c - '0' : lower - 'a' + 10);
  }
  return value;
}

static size_t put_utf8(uint32_t c, char to[4]) {
  if (c < 0x80)
    return to[0] = (char)c, 1;
  size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
  for (size_t i = n - 1; i > 0; i--, c >>= 6)
    to[i] = (char)(0x80 | (c & 0x3f));
  to[0] = (char)((0xf0 << (4 - n)) | c);
  return n;
}

static bool take_escape(struct json *j, char to[4], size_t *n) {
  static const char from[] = "\"\\/bfnrt", means[] = "\"\\/\b\f\n\r\t";
  char c = j->at < j->end ? *j->at++ : 0;
  const char *known = c ? strchr(from, c) : NULL;
  if (known)
    return to[0] = means[known - from], *n = 1, true;
  int high = c == 'u' ? hex4(j) : -1;
  if (high <= 0 || (high >= 0xdc00 && high < 0xe000)) // a NUL would cut a path short
    return false;
  uint32_t code = (uint32_t)high;
  if (high >= 0xd800 && high < 0xdc00) {
    if (j->end - j->at < 2 || j->at[0] != '\\' || j->at[1] != 'u')
      return false;
    j->at += 2;
    int low = hex4(j);
    if (low < 0xdc00 || low >= 0xe000)
      return false;
    code = 0x10000 + (((uint32_t)high - 0xd800) << 10) + ((uint32_t)low - 0xdc00);
  }
  return *n = put_utf8(code, to), true;
}

// Reads a text into `to` with a NUL behind it; one that has no room there is read past, and `to` is empty.
bool json_text(struct json *j, char *to, size_t room) {
  size_t length = 0;
  if (!take(j, '"'))
    return false;
  while (j->at < j->end && *j->at != '"') {
    char piece[4];
    size_t n = 1;
    piece[0] = *j->at++;
    if ((unsigned char)piece[0] < ' ' || (piece[0] == '\\' && !take_escape(j, piece, &n)))
      return false;
    if (length + n < room)
      memcpy(to + length, piece, n);
    length += n;
  }
  to[length < room ? length : 0] = 0;
  return take(j, '"');
}

static bool skip_value(struct json *j, int depth) {
  char none[1];
  skip_blanks(j);
  char c = j->at < j->end ? *j->at : 0;
  if (c == '"')
    return json_text(j, none, sizeof none);
  if (c != '{' && c != '[') {
    size_t n = 0;
    for (; j->at < j->end && *j->at && strchr("+-.0123456789abcdefghijklmnopqrstuvwxyzE", *j->at); n++)
      j->at++;
    return n > 0;
  }
  char close = c == '{' ? '}' : ']';
  j->at++;
  if (depth >= JSON_DEPTH_MAX)
    return false;
  if (take(j, close))
    return true;
  do {
    if (c == '{' && (!json_text(j, none, sizeof none) || !take(j, ':')))
      return false;
    if (!skip_value(j, depth + 1))
      return false;
  } while (take(j, ','));
  return take(j, close);
}

// Finds the member `name` of the object at `object`. False where there is none, or no object.
bool json_member(struct json object, const char *name, struct json *value) {
  struct json j = object;
  char key[64];
  bool is_found = false;
  if (!take(&j, '{') || take(&j, '}'))
    return false;
  do {
    if (!json_text(&j, key, sizeof key) || !take(&j, ':'))
      return false;
    if (strcmp(key, name) == 0) {
      *value = j;
      is_found = true;
    }
    if (!skip_value(&j, 0))
      return false;
  } while (take(&j, ','));
  return is_found && take(&j, '}');
}

bool json_number(struct json j, uint64_t most, uint64_t *n) {
  skip_blanks(&j);
  const char *start = j.at;
  for (*n = 0; j.at < j.end && *j.at >= '0' && *j.at <= '9'; j.at++)
    if ((*n = *n * 10 + (uint64_t)(*j.at - '0')) > most)
      return false;
  return j.at > start && (j.at == j.end || !strchr(".eE", *j.at));
}

// Whether it is one value, and nothing behind it.
static bool is_whole(struct json j) {
  bool is_value = skip_value(&j, 0);
  skip_blanks(&j);
  return is_value && j.at == j.end;
}

static int read_whole(int fd, char *to, size_t room, struct json *j) {
  size_t n = 0;
  for (ssize_t got; (got = pread(fd, to + n, room - n, (off_t)n)) != 0;) {
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return -1;
    n += (size_t)got;
    if (n == room) {
      errno = EFBIG;
      return -1;
    }
  }
  *j = (struct json){to, to + n};
  return 0;
}

static int read_groups(struct json user, struct bundle *b) {
  struct json j;
  if (!json_member(user, "additionalGids", &j) || !take(&j, '[') || take(&j, ']'))
    return 0;
  do {
    uint64_t gid;
    if (b->group_count == BUNDLE_GROUPS_MAX || !json_number(j, UINT32_MAX - 1, &gid) || !skip_value(&j, 0))
      return -1;
    b->groups[b->group_count++] = (gid_t)gid;
  } while (take(&j, ','));
  return 0;
}

// Reads standard input and the bundle's config.json. 0, or -1 with *f.
int bundle_read(const struct record *r, struct bundle *b, struct fail *f) {
  static char text[4 << 20];
  char directory[4096], config[4200], root[4096];
  struct json state, j, user;
  errno = 0;
  if (read_whole(0, text, STATE_MAX, &state) != 0)
    return FAIL(f, r, "read the container's state on standard input", "");
  errno = 0;
  if (!is_whole(state) || !json_member(state, "bundle", &j) || !json_text(&j, directory, sizeof directory) || directory[0] != '/')
    return FAIL(f, r, "read the container's state on standard input: it names no bundle", "");
  snprintf(config, sizeof config, "%s/config.json", directory);
  snprintf(b->config, sizeof b->config, "%.4095s", config);
  cleanup_fd int fd = openat(AT_FDCWD, config, O_RDONLY | O_CLOEXEC);
  if (fd < 0 || read_whole(fd, text, sizeof text, &state) != 0)
    return FAIL(f, r, "read", b->config);
  errno = 0;
  if (!is_whole(state) || !json_member(state, "root", &j) || !json_member(j, "path", &j) || !json_text(&j, root, sizeof root) || !root[0])
    return FAIL(f, r, "find root.path in", b->config);
  uint64_t uid, gid;
  if (!json_member(state, "process", &j) || !json_member(j, "user", &user) || !json_member(user, "uid", &j) ||
      !json_number(j, UINT32_MAX - 1, &uid) || !json_member(user, "gid", &j) || !json_number(j, UINT32_MAX - 1, &gid) ||
      read_groups(user, b) != 0)
    return FAIL(f, r, "find the ids of process.user in", b->config);
  // Where the runtime keeps a hook's words to itself, an engine may say where they are to go.
  static const char *const streams[] = {"com.hooks.logging.stdoutfd", "com.hooks.logging.stderrfd"};
  for (int i = 0; i < 2; i++) {
    struct json annotations;
    char stream[4096];
    if (!json_member(state, "annotations", &annotations) || !json_member(annotations, streams[i], &j) ||
        !json_text(&j, stream, sizeof stream))
      continue;
    cleanup_fd int to = openat(AT_FDCWD, stream, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOCTTY);
    if (to < 0 || dup2(to, i + 1) < 0)
      return FAIL(f, r, "open what an annotation names for the hook's words, in", b->config);
  }
  b->uid = (uid_t)uid;
  b->gid = (gid_t)gid;
  if (snprintf(b->root, sizeof b->root, "%s%s%s", root[0] == '/' ? "" : directory, root[0] == '/' ? "" : "/", root) >=
      (int)sizeof b->root)
    return FAIL(f, r, "find root.path in", b->config);
  return 0;
}
