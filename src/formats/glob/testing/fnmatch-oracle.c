/* SPDX-License-Identifier: Apache-2.0 */
/* Runs the C library's fnmatch with FNM_EXTMATCH on many cases in one process, as the other side of a comparison.
   In are words that end in NUL: pattern, text, pattern, text... Out, for each case: '0' or '1'. */
#include <fnmatch.h>
#include <stdio.h>

int main(void)
{
  char *pattern = NULL, *text = NULL;
  size_t a = 0, b = 0;
  while (getdelim(&pattern, &a, '\0', stdin) >= 0 && getdelim(&text, &b, '\0', stdin) >= 0)
    putchar(fnmatch(pattern, text, FNM_EXTMATCH) == 0 ? '1' : '0');
  return 0;
}
