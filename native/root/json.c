// SPDX-License-Identifier: Apache-2.0
// Just enough of JSON (RFC 8259) to find a value by the names that lead to it. Of names that stand twice the last counts,
// as everywhere else.
#include "root.h"
#include <string.h>

enum { JSON_DEPTH_MAX = 64 };

static void skip_blanks(struct json *j) {
  while (j->at < j->end && strchr(" \t\r\n", *j->at) && *j->at)
    j->at++;
}

bool json_take(struct json *j, char c) {
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
  if (!json_take(j, '"'))
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
  return json_take(j, '"');
}

bool json_skip(struct json *j, int depth) {
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
  if (json_take(j, close))
    return true;
  do {
    if (c == '{' && (!json_text(j, none, sizeof none) || !json_take(j, ':')))
      return false;
    if (!json_skip(j, depth + 1))
      return false;
  } while (json_take(j, ','));
  return json_take(j, close);
}

// Finds the member `name` of the object at `object`. False where there is none, or no object.
bool json_member(struct json object, const char *name, struct json *value) {
  struct json j = object;
  char key[64];
  bool is_found = false;
  if (!json_take(&j, '{') || json_take(&j, '}'))
    return false;
  do {
    if (!json_text(&j, key, sizeof key) || !json_take(&j, ':'))
      return false;
    if (strcmp(key, name) == 0) {
      *value = j;
      is_found = true;
    }
    if (!json_skip(&j, 0))
      return false;
  } while (json_take(&j, ','));
  return is_found && json_take(&j, '}');
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
bool json_is_whole(struct json j) {
  bool is_value = json_skip(&j, 0);
  skip_blanks(&j);
  return is_value && j.at == j.end;
}
