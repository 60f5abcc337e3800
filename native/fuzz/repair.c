// SPDX-License-Identifier: Apache-2.0
// Header fields that would stop every changed plan before its records are looked at.
#include "fuzz.h"
#include <string.h>

// Where records begin, by their sizes alone, and behind the last the end. What follows a wrong size is one record more.
int records_in(const uint8_t *bytes, size_t size, size_t offsets[RECORDS_MAX + 1]) {
  int count = 0;
  size_t at = sizeof(struct header);
  while (at < size && count < RECORDS_MAX) {
    struct record r = {0};
    offsets[count++] = at;
    memcpy(&r, bytes + at, size - at < sizeof r ? size - at : sizeof r);
    at = r.size < sizeof r || r.size % 8 != 0 || r.size > size - at ? size : at + r.size;
  }
  offsets[count] = at < size ? at : size;
  return count;
}

// Makes a header that fits what follows it, and returns the size of the whole: a multiple of eight. 0: too short.
size_t repair(uint8_t *bytes, size_t size) {
  struct header h;
  size_t offsets[RECORDS_MAX + 1];
  size &= ~(size_t)7;
  if (size < sizeof h)
    return 0;
  memcpy(&h, bytes, sizeof h);
  memcpy(h.magic, "SLIPPLAN", sizeof h.magic);
  memcpy(h.build, SLIPWAY_BUILD, sizeof h.build);
  h.format = PLAN_FORMAT;
  h.size = (uint32_t)size;
  h.records = (uint32_t)records_in(bytes, size, offsets);
  h.style %= STYLE_COUNT;
  memcpy(bytes, &h, sizeof h);
  size_t start = offsetof(struct header, build);
  h.checksum = fnv(FNV_SEED, bytes + start, size - start);
  memcpy(bytes, &h, sizeof h);
  return size;
}
