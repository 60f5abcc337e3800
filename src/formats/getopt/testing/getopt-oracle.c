/* SPDX-License-Identifier: Apache-2.0 */
/* Runs glibc's getopt_long on many cases in one process, as the other side of a comparison.
   In and out are words that end in NUL. In, for each case:
     short-option string, number of long options, {name, 0|1|2, value}..., number of words, words...
   Out, for each case: {"o", value, "0"|"1", argument}..., then ("e", message) or ("p", operands...), then "." */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *word(void)
{
  char *text = NULL;
  size_t size = 0;
  if (getdelim(&text, &size, '\0', stdin) < 0)
    exit(0);
  return text;
}

static void say(const char *text)
{
  fwrite(text, 1, strlen(text) + 1, stdout);
}

int main(void)
{
  for (;;) {
    char *letters = word();
    int names = atoi(word());
    struct option *table = calloc((size_t)names + 1, sizeof *table);
    for (int i = 0; i < names; i++) {
      table[i].name = word();
      table[i].has_arg = atoi(word());
      table[i].val = atoi(word());
    }
    int count = atoi(word());
    char **argv = calloc((size_t)count + 2, sizeof *argv);
    argv[0] = "x";
    for (int i = 1; i <= count; i++)
      argv[i] = word();

    char *message = NULL;
    size_t size = 0;
    FILE *own = stderr;
    stderr = open_memstream(&message, &size);
    optind = 0; /* glibc: start afresh */
    int value;
    while ((value = getopt_long(count + 1, argv, letters, table, NULL)) != -1 && value != '?') {
      char number[16];
      snprintf(number, sizeof number, "%d", value);
      say("o");
      say(number);
      say(optarg ? "1" : "0");
      say(optarg ? optarg : "");
    }
    fclose(stderr);
    stderr = own;
    if (value == '?') {
      message[strcspn(message, "\n")] = '\0';
      say("e");
      say(message);
    } else {
      say("p");
      for (int i = optind; i <= count; i++)
        say(argv[i]);
    }
    say(".");
    free(message);
  }
}
