// SPDX-License-Identifier: Apache-2.0
// ch-ssh [OPTION...] HOST CMD [ARG...]: ssh(1), with `ch-run $CH_RUN_ARGS` before the command. `ch-run --ch-ssh` shows this
// program in a container, where nothing else of Slipway is: so it is static, and alone.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage[] = "Usage: CH_RUN_ARGS=\"IMAGE [ARG...]\" ch-ssh [OPTION...] HOST CMD [ARG...]\n\n"
                            "Run a command in a Charliecloud container on another host. OPTIONs are those of ssh(1); the\n"
                            "words of CH_RUN_ARGS, which are divided by blanks alone, go to ch-run there.\n\n"
                            "Example:\n\n"
                            "  $ export CH_RUN_ARGS='--cd /baz /data/foo'\n"
                            "  $ ch-ssh bar.example.com -- hostname\n";

// Letters of ssh's options that take an argument.
static const char with_argument[] = "BbcDEeFIiJLlmOopQRSWw";

// The index of the host among the words.
static int find_host(int argc, char **argv) {
  int at = 1;
  for (; at < argc && argv[at][0] == '-' && argv[at][1]; at++) {
    const char *letter = argv[at] + 1;
    while (*letter && !strchr(with_argument, *letter))
      letter++;
    at += *letter && !letter[1]; // the argument is the next word
  }
  return at;
}

int main(int argc, char **argv) {
  if (argc < 2 || strcmp(argv[1], "--help") == 0) {
    fputs(usage, argc < 2 ? stderr : stdout);
    return argc < 2;
  }
  if (strcmp(argv[1], "--version") == 0) {
    puts(VERSION);
    return 0;
  }
  char *given = getenv("CH_RUN_ARGS");
  if (!given) {
    fprintf(stderr, "ch-ssh[%d]: error: CH_RUN_ARGS not set (%s:%d)\n  hint: export CH_RUN_ARGS='IMAGE [ARG...]'\n",
            (int)getpid(), __FILE_NAME__, __LINE__);
    return 1;
  }
  char **words = calloc((size_t)argc + strlen(given) + 3, sizeof *words), *rest = strdup(given), *word;
  int host = find_host(argc, argv), n = 0;
  if (!words || !rest || host >= argc) {
    fputs(usage, stderr);
    return 1;
  }
  words[n++] = "ssh";
  for (int i = 1; i <= host; i++)
    words[n++] = argv[i];
  words[n++] = "ch-run";
  while ((word = strsep(&rest, " ")))
    if (*word)
      words[n++] = word;
  for (int i = host + 1; i < argc; i++)
    words[n++] = argv[i];
  execvp("ssh", words);
  fprintf(stderr, "ch-ssh[%d]: error: can't execute: ssh: %s (%s:%d %d)\n", (int)getpid(), strerror(errno), __FILE_NAME__,
          __LINE__, errno);
  return 1;
}
