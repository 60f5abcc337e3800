// SPDX-License-Identifier: Apache-2.0
// A read-only pass-through that charges each request as a parallel file system does, and counts them: the benchmarks'
// stand-in for Lustre or GPFS. What the kernel keeps (names, attributes, pages) it keeps for an hour, as such a client
// may. Words: DIRECTORY MICROSECONDS-A-REQUEST MEGABYTES-A-SECOND, then those of fuse_main(3). When it is unmounted it
// prints `metadata N data N bytes N` on standard error.
#define FUSE_USE_VERSION 31
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fuse.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static int root;
static long request_us, megabytes_s;
static atomic_llong metadata_requests, data_requests, data_bytes;

static void wait_us(long us) {
  struct timespec left = {us / 1000000, us % 1000000 * 1000};
  while (nanosleep(&left, &left) != 0 && errno == EINTR) continue;
}

static void charge_metadata(void) {
  metadata_requests++;
  wait_us(request_us);
}

/** As openat(2) wants it: FUSE's paths begin with a slash. */
static const char *below(const char *path) { return path[1] == '\0' ? "." : path + 1; }

static int get_attributes(const char *path, struct stat *stats, struct fuse_file_info *file) {
  (void)file;
  charge_metadata();
  return fstatat(root, below(path), stats, AT_SYMLINK_NOFOLLOW) == 0 ? 0 : -errno;
}

static int read_link(const char *path, char *target, size_t size) {
  charge_metadata();
  ssize_t length = readlinkat(root, below(path), target, size - 1);
  if (length < 0) return -errno;
  target[length] = '\0';
  return 0;
}

static int open_file(const char *path, struct fuse_file_info *file) {
  charge_metadata();
  int fd = openat(root, below(path), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return -errno;
  file->fh = (uint64_t)fd;
  file->keep_cache = 1;
  return 0;
}

static int release_file(const char *path, struct fuse_file_info *file) {
  (void)path;
  close((int)file->fh);
  return 0;
}

static int read_file(const char *path, char *bytes, size_t size, off_t offset, struct fuse_file_info *file) {
  (void)path;
  data_requests++;
  wait_us(request_us + (long)size / megabytes_s);
  ssize_t length = pread((int)file->fh, bytes, size, offset);
  if (length < 0) return -errno;
  data_bytes += length;
  return (int)length;
}

static int read_directory(const char *path, void *names, fuse_fill_dir_t fill, off_t offset,
                          struct fuse_file_info *file, enum fuse_readdir_flags flags) {
  (void)offset, (void)file, (void)flags;
  charge_metadata();
  int fd = openat(root, below(path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *directory = fd < 0 ? NULL : fdopendir(fd);
  if (directory == NULL) return -errno;
  for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
    struct stat stats = {.st_ino = entry->d_ino, .st_mode = (mode_t)entry->d_type << 12};
    fill(names, entry->d_name, &stats, 0, 0);
  }
  closedir(directory);
  return 0;
}

static void *begin(struct fuse_conn_info *connection, struct fuse_config *config) {
  connection->max_readahead = 1 << 20;
  config->entry_timeout = config->attr_timeout = config->negative_timeout = 3600;
  config->kernel_cache = config->use_ino = 1;
  return NULL;
}

static void end(void *nothing) {
  (void)nothing;
  fprintf(stderr, "metadata %lld data %lld bytes %lld\n", (long long)metadata_requests, (long long)data_requests,
          (long long)data_bytes);
}

static const struct fuse_operations operations = {.init = begin,
                                                  .destroy = end,
                                                  .getattr = get_attributes,
                                                  .readlink = read_link,
                                                  .open = open_file,
                                                  .release = release_file,
                                                  .read = read_file,
                                                  .readdir = read_directory};

int main(int count, char **words) {
  if (count < 5) {
    fprintf(stderr, "usage: slowfs DIRECTORY MICROSECONDS MEGABYTES-A-SECOND MOUNTPOINT [OPTION...]\n");
    return 2;
  }
  root = open(words[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  request_us = atol(words[2]);
  megabytes_s = atol(words[3]);
  if (root < 0 || megabytes_s <= 0) {
    perror(words[1]);
    return 1;
  }
  words[3] = words[0];
  return fuse_main(count - 3, words + 3, &operations, NULL);
}
