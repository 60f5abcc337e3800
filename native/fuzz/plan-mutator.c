// SPDX-License-Identifier: Apache-2.0
// Mutations for libFuzzer that know what a record is. One in four is libFuzzer's own, on the bytes as they are.
#include "fuzz.h"
#include <string.h>

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size, uint8_t *out, size_t max,
                                 unsigned seed);

enum { RECORD_MAX = 4096 };

static const struct {
  int numbers, least, most;
} shapes[OP_COUNT] = {
#define X(name, numbers, least, most) {numbers, least, most},
    OPERATIONS(X)
#undef X
};

static uint64_t state;

static unsigned below(size_t n) {
  state = state * 6364136223846793005u + 1442695040888963407u;
  return (unsigned)((state >> 33) % (n ? n : 1));
}

// Puts `n` bytes in the place of `removed` ones. The new size, or the old one when there is no room.
static size_t splice(uint8_t *data, size_t size, size_t max, size_t at, size_t removed, const void *bytes, size_t n) {
  if (size - removed + n > max)
    return size;
  memmove(data + at + n, data + at + removed, size - at - removed);
  memcpy(data + at, bytes, n);
  return size - removed + n;
}

static size_t put_text(uint8_t *to) {
  static const char *const texts[] = {
      "",    "*", "?",        "A*B?*", "**************b", "=",      "A=B", "A",       "PATH",      "HOME", "..",     "/",  "/../x",
      "/a/b/c", "--", "-x", "%s%n",  "\n",              "\033[", "\xc2\x9b", ":", "a:b::", "/bin/true", "true", "SLURM_*",
  };
  const char *text = texts[below(sizeof texts / sizeof *texts)];
  memcpy(to, text, strlen(text) + 1);
  return strlen(text) + 1;
}

// A record as it should be, of any operation.
static size_t fresh(uint8_t *to) {
  static const uint64_t numbers[] = {0, 1, 2, 3, 4, 127, 128, 0x10020000, INT32_MAX, UINT32_MAX, UINT64_MAX};
  struct record r = {.operation = (uint16_t)below(OP_COUNT)};
  int least = shapes[r.operation].least, most = shapes[r.operation].most;
  r.numbers = (uint16_t)(shapes[r.operation].numbers < 0 ? 1 + below(5) : (unsigned)shapes[r.operation].numbers);
  r.strings = (uint16_t)((unsigned)least + below((size_t)(most < 0 ? 4 : most - least + 1)));
  size_t n = sizeof r;
  for (int i = 0; i < r.numbers; i++, n += 8)
    memcpy(to + n, &numbers[below(sizeof numbers / sizeof *numbers)], 8);
  for (int i = 0; i < r.strings; i++)
    n += put_text(to + n);
  while (n % 8 != 0)
    to[n++] = 0;
  r.size = (uint32_t)n;
  memcpy(to, &r, sizeof r);
  return n;
}

// Changes what is in a record, and makes its counts and size fit again.
static size_t changed(const uint8_t *from, size_t size, uint8_t *to) {
  struct record r;
  if (size < sizeof r || size > RECORD_MAX - 256)
    return 0;
  memcpy(&r, from, sizeof r);
  size_t numbers = 8 * (size_t)r.numbers;
  if (numbers > size - sizeof r)
    return 0;
  memcpy(to, from, size);
  uint8_t *text = to + sizeof r + numbers;
  size_t n = size - sizeof r - numbers;
  if (numbers != 0 && below(2) == 0)
    LLVMFuzzerMutate(to + sizeof r, numbers, numbers);
  else if (below(3) == 0)
    n += put_text(text + n);
  else
    n = LLVMFuzzerMutate(text, n, n + 64);
  while (n > 0 && text[n - 1] == 0)
    n--;
  r.strings = 0;
  if (n > 0 || shapes[r.operation % OP_COUNT].least > 0)
    text[n++] = 0;
  for (size_t i = 0; i < n; i++)
    r.strings = (uint16_t)(r.strings + (text[i] == 0));
  for (; r.strings < shapes[r.operation % OP_COUNT].least; r.strings++)
    text[n++] = 0;
  size = sizeof r + numbers + n;
  while (size % 8 != 0)
    to[size++] = 0;
  r.size = (uint32_t)size;
  memcpy(to, &r, sizeof r);
  return size;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed) {
  static uint8_t record[RECORD_MAX + 512];
  size_t at[RECORDS_MAX + 1];
  state = seed;
  int count = size < sizeof(struct header) ? 0 : records_in(data, size, at);
  unsigned i = below((size_t)count), j = below((size_t)count);
  size_t here = count ? at[i + 1] - at[i] : 0, n;
  switch (count ? below(8) : 0) {
  case 0:
  case 1:
    size = LLVMFuzzerMutate(data, size, max);
    break;
  case 2: // leave out
    size = splice(data, size, max, at[i], here, "", 0);
    break;
  case 3: // copy elsewhere
    if (here <= sizeof record) {
      memcpy(record, data + at[i], here);
      size = splice(data, size, max, at[j], 0, record, here);
    }
    break;
  case 4: // add
    n = fresh(record);
    size = splice(data, size, max, at[i], 0, record, n);
    break;
  case 5: // another operation
    data[at[i]] = (uint8_t)below(OP_COUNT + 1);
    break;
  default:
    if ((n = changed(data + at[i], here, record)) != 0)
      size = splice(data, size, max, at[i], here, record, n);
  }
  n = repair(data, size);
  return n ? n : size;
}

// The first records of one plan, the last ones of another.
size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size, uint8_t *out, size_t max,
                                 unsigned seed) {
  size_t a_at[RECORDS_MAX + 1], b_at[RECORDS_MAX + 1];
  state = seed;
  if (a_size < sizeof(struct header) || b_size < sizeof(struct header))
    return 0;
  int a_count = records_in(a, a_size, a_at), b_count = records_in(b, b_size, b_at);
  size_t head = a_at[below((size_t)a_count + 1)], tail = b_at[below((size_t)b_count + 1)];
  if (head + (b_size - tail) > max)
    return 0;
  memcpy(out, a, head);
  memcpy(out + head, b + tail, b_size - tail);
  return repair(out, head + (b_size - tail));
}
