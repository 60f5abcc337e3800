// SPDX-License-Identifier: Apache-2.0
// What a runtime says of a container comes with texts of the image's choosing, and is read by root: whatever the bytes,
// nothing beyond them is read, a text ends in the room that it was given, and what was found is a value of the whole.
#include "fuzz.h"
#include "../root/root.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_in(const struct json *part, const struct json *whole) {
  return part->at >= whole->at && part->at <= whole->end && part->end == whole->end;
}

// In rooms of every kind of size: what fits is the same whatever the room, and what does not is "".
static void read_text(struct json value) {
  enum { LARGE = 4096 };
  static const size_t rooms[] = {1, 2, 7, 64};
  char large[LARGE], *small;
  struct json end = value;
  bool is_text = json_text(&end, large, sizeof large);
  REQUIRE(is_in(&end, &value));
  if (is_text)
    REQUIRE(memchr(large, 0, sizeof large));
  for (size_t i = 0; i < sizeof rooms / sizeof *rooms; i++) {
    struct json j = value;
    REQUIRE((small = malloc(rooms[i])));
    REQUIRE(json_text(&j, small, rooms[i]) == is_text);
    if (is_text) {
      REQUIRE(j.at == end.at && memchr(small, 0, rooms[i]));
      REQUIRE(strlen(large) == 0 || strcmp(small, strlen(large) < rooms[i] ? large : "") == 0);
    }
    free(small);
  }
}

static void read_value(struct json value, bool is_whole) {
  uint64_t n;
  read_text(value);
  if (json_number(value, UINT32_MAX - 1, &n))
    REQUIRE(n < UINT32_MAX);
  struct json after = value;
  bool is_value = json_skip(&after, 0);
  REQUIRE(is_in(&after, &value) && (is_value || !is_whole));
}

// Along the names that lead to what bundle.c wants, and others.
static void walk(struct json object, bool is_whole, int depth) {
  static const char *const names[] = {"bundle", "root", "path", "process", "user", "uid", "gid", "annotations", "a", ""};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    struct json value;
    if (!json_member(object, names[i], &value))
      continue;
    REQUIRE(is_in(&value, &object));
    read_value(value, is_whole);
    if (depth < 4)
      walk(value, is_whole, depth + 1);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char *copy = malloc(size ? size : 1); // of exactly this size, so that a read beyond it shows
  REQUIRE(copy);
  memcpy(copy, data, size);
  struct json whole = {copy, copy + size};
  bool is_whole = json_is_whole(whole);
  read_value(whole, is_whole);
  walk(whole, is_whole, 0);
  // Blanks around change nothing; something behind does.
  char *more = malloc(size + 4);
  REQUIRE(more);
  memcpy(more + 1, data, size);
  more[0] = '\n', more[size + 1] = ' ', more[size + 2] = '\t';
  REQUIRE(json_is_whole((struct json){more, more + size + 3}) == is_whole);
  more[size + 2] = '}';
  REQUIRE(!is_whole || !json_is_whole((struct json){more, more + size + 3}));
  free(more);
  free(copy);
  return 0;
}
