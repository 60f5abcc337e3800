// SPDX-License-Identifier: Apache-2.0
// Someone who changes an image while it is launched: swapper DIRECTORY NAME OTHER PLACE exchanges DIRECTORY/NAME, at
// first a directory, with DIRECTORY/OTHER, a link, without end, and removes PLACE from that directory wherever it
// stands, so that each launch has to make it again. When stdin closes it says how often, and ends.
#include <fcntl.h>
#include <linux/fs.h>
#include <poll.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv) {
  int top = argc == 5 ? open(argv[1], O_PATH | O_DIRECTORY) : -1;
  int real = top < 0 ? -1 : openat(top, argv[2], O_PATH | O_DIRECTORY | O_NOFOLLOW);
  if (real < 0) {
    fprintf(stderr, "usage: swapper DIRECTORY NAME OTHER PLACE\n");
    return 2;
  }
  unsigned long swaps = 0;
  // An even number of times: it leaves everything as it was.
  for (struct pollfd end = {.fd = 0, .events = POLLIN}; swaps % 2 != 0 || poll(&end, 1, 0) == 0; swaps++) {
    if (syscall(SYS_renameat2, top, argv[2], top, argv[3], RENAME_EXCHANGE) != 0) {
      perror("swapper: exchange");
      return 1;
    }
    unlinkat(real, argv[4], AT_REMOVEDIR);
  }
  printf("%lu\n", swaps);
  return 0;
}
