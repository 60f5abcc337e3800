// SPDX-License-Identifier: Apache-2.0
// A program in a container that looks for the root of its host: escape MARKER. It tries what has led out of a chroot
// (chroot(2), "This call does not change the current working directory"), of a pivoted root, of descriptors left open
// and of other processes' roots and directories, and says by which way it found the file MARKER of the host.
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *marker; // absolute

static void look(const char *way) {
  if (access(marker, F_OK) == 0 || access(marker + 1, F_OK) == 0) {
    printf("out by %s\n", way);
    exit(1);
  }
}

static void climb(void) {
  for (int i = 0; i < 64; i++)
    if (chdir("..") != 0)
      break;
}

static void enter(const char *path) {
  if (chdir(path) == 0) {
    look(path);
    climb();
    look(path);
  }
}

// What other processes have: the one that is init in a namespace of its own, holders, all that the user runs.
static void visit_processes(void) {
  DIR *processes = opendir("/proc"), *fds;
  for (struct dirent *p, *fd; processes && (p = readdir(processes));) {
    char path[600];
    if (p->d_name[0] < '0' || p->d_name[0] > '9')
      continue;
    snprintf(path, sizeof path, "/proc/%s/root", p->d_name);
    enter(path);
    snprintf(path, sizeof path, "/proc/%s/cwd", p->d_name);
    enter(path);
    snprintf(path, sizeof path, "/proc/%s/fd", p->d_name);
    if (!(fds = opendir(path)))
      continue;
    while ((fd = readdir(fds))) {
      snprintf(path, sizeof path, "/proc/%s/fd/%s", p->d_name, fd->d_name);
      if (fd->d_name[0] != '.')
        enter(path);
    }
    closedir(fds);
  }
  if (processes)
    closedir(processes);
}

int main(int argc, char **argv) {
  if (argc != 2 || argv[1][0] != '/')
    return 2;
  marker = argv[1];
  look("being there");
  climb();
  look("climbing");
  for (int fd = 0; fd < 1024; fd++)
    if (fchdir(fd) == 0) {
      climb();
      look("a descriptor");
    }
  visit_processes();
  // With a root of its own that the working directory is not in, .. never meets it.
  int top = open("/", O_RDONLY | O_DIRECTORY);
  if (chroot("work") == 0) {
    if (fchdir(top) != 0)
      return 2;
    climb();
    look("a root below the working directory");
    if (chroot(".") == 0)
      look("the top of what was climbed to");
  }
  // What covers "/" taken away, as far as that goes.
  for (int i = 0; i < 8 && umount2("/", MNT_DETACH) == 0; i++) {
    climb();
    look("unmounting the root");
  }
  for (int i = 0; i < 8 && umount2(".", MNT_DETACH) == 0; i++) {
    climb();
    look("unmounting the working directory");
  }
  if (unshare(CLONE_NEWNS) == 0) {
    for (int i = 0; i < 8 && umount2("/", MNT_DETACH) == 0; i++)
      ;
    climb();
    look("a copy of all mounts");
  }
  printf("in\n");
  return 0;
}
