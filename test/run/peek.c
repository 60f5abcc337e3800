// SPDX-License-Identifier: Apache-2.0
// Two ranks of an MPI job read one another's memory: `peek show TEXT` says where its text is and waits for the end of
// its input, `peek read PID ADDRESS LENGTH` prints what is there (process_vm_readv(2)), or the error.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

int main(int argc, char **argv) {
  static char text[256];
  if (argc == 3 && strcmp(argv[1], "show") == 0) {
    snprintf(text, sizeof text, "%s", argv[2]);
    printf("%d %lu %zu\n", (int)getpid(), (unsigned long)(size_t)text, strlen(text));
    fflush(stdout);
    while (read(0, text + 128, 1) > 0)
      ;
    return 0;
  }
  if (argc != 5)
    return 2;
  struct iovec here = {text, strtoul(argv[4], NULL, 10)};
  struct iovec there = {(void *)strtoul(argv[3], NULL, 10), here.iov_len};
  if (here.iov_len >= sizeof text || process_vm_readv(atoi(argv[2]), &here, 1, &there, 1, 0) != (ssize_t)here.iov_len)
    puts(strerror(errno));
  else
    puts(text);
  return 0;
}
