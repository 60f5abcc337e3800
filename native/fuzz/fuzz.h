// SPDX-License-Identifier: Apache-2.0
// The fuzzers of the launcher. plan-fuzzer gives damaged and invented plans to everything that reads a plan without
// changing the machine; resolve-fuzzer gives paths to the path resolution of kernels without openat2, json-fuzzer bytes to
// what reads a runtime's words for root.
//
//   plan-fuzzer.c     what must hold of a plan that was accepted
//   plan-mutator.c    changes to whole records, so that most of what is tried gets beyond the checks
//   repair.c          header fields that would stop every changed plan: size, checksum, build
//   with-fakes.c      trace.c, environment.c, program.c, wrapper.c, fail.c and join.c on a machine that exists only in the plan
//   model.c           what the environment of the program must be, worked out in the plainest way
//   resolve-fuzzer.c  resolution by hand against openat2, on a tree of links
//   json-fuzzer.c     what is found in a text lies in it, and ends where it must
#pragma once
#include "../launcher/launch.h"
#include <stdio.h>
#include <stdlib.h>

// The sanitizers print where, and libFuzzer keeps the input.
#define REQUIRE(condition)                                                                                             \
  do {                                                                                                                 \
    if (!(condition)) {                                                                                                \
      fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE_NAME__, __LINE__, #condition);                             \
      abort();                                                                                                         \
    }                                                                                                                  \
  } while (0)

// repair.c
enum { RECORDS_MAX = 512 };
int records_in(const uint8_t *bytes, size_t size, size_t offsets[RECORDS_MAX + 1]);
size_t repair(uint8_t *bytes, size_t size);

// model.c
char **model_environment(const struct plan *plan, char **caller);
void model_free(char **environment);

// with-fakes.c
extern const char *fake_venv; // through which the wrapper was called
char **fake_caller_environment(const struct plan *plan);
void fake_free_caller_environment(char **environment);
void fake_launch(const struct plan *plan, char **caller, char **rest);
