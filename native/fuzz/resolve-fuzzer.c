// SPDX-License-Identifier: Apache-2.0
// Path resolution by hand, which older kernels need, against openat2 with RESOLVE_IN_ROOT: for any path both find the
// same file, and never one outside the root. The tree is made once, of all kinds of links; the fuzzer invents paths: a
// byte of its input is a name in the tree, or stands for itself.
#include "fuzz.h"
#include <errno.h>
#include <ftw.h>
#include <string.h>
#include <sys/stat.h>

#include "../launcher/kernel.c"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int tree = -1;
static char top[64];

static const char *const directories[] = {"a", "a/b", "a/b/c", "etc", "root", "a/..." , "a/b/.x"};
static const char *const files[] = {"f", "a/f", "a/b/f", "etc/passwd"};
static const struct {
  const char *text, *name;
} links[] = {
    {"/", "slash"},         {"..", "up"},           {"../../../..", "a/b/up"}, {"/etc", "abs"},
    {"etc", "rel"},         {"./a/./b//c/", "dots"}, {"loop2", "loop1"},       {"loop1", "loop2"},
    {"self", "self"},       {"nowhere", "dangling"}, {"/nowhere/x", "a/gone"}, {"/a/b/up/etc/passwd", "chain"},
    {"abs/passwd", "via"},  {"/proc/self/root", "proc"}, {"f", "file"},        {"f/", "file-slash"},
    {"../../outside", "out"}, {"/../outside", "a/out"}, {"b/../../a/b", "a/back"}, {"slash/slash/up/rel", "far"},
    {"/etc", "a/b/top"},    {"/a/b/top/../a/f", "a/b/c/f"},
};

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *where) {
  (void)st, (void)kind, (void)where;
  return remove(path);
}
static void remove_tree(void) { nftw(top, remove_one, 8, FTW_DEPTH | FTW_PHYS); }

int LLVMFuzzerInitialize(int *argc, char ***argv) {
  (void)argc, (void)argv;
  snprintf(top, sizeof top, "/tmp/slipway-fuzz-XXXXXX");
  REQUIRE(mkdtemp(top));
  atexit(remove_tree);
  int parent = open(top, O_PATH);
  // What a way out of the root would meet first.
  REQUIRE(mkdirat(parent, "outside", 0755) == 0 && mkdirat(parent, "etc", 0755) == 0 && mkdirat(parent, "root", 0755) == 0);
  tree = openat(parent, "root", O_PATH | O_DIRECTORY);
  for (size_t i = 0; i < sizeof directories / sizeof *directories; i++)
    REQUIRE(mkdirat(tree, directories[i], 0755) == 0);
  for (size_t i = 0; i < sizeof files / sizeof *files; i++)
    REQUIRE(mknodat(tree, files[i], S_IFREG | 0644, 0) == 0);
  for (size_t i = 0; i < sizeof links / sizeof *links; i++)
    REQUIRE(symlinkat(links[i].text, tree, links[i].name) == 0);
  char name[256], link[4200];
  memset(name, 'n', 255), name[255] = 0;
  REQUIRE(mkdirat(tree, name, 0755) == 0);
  // Long texts, one after the other, reach the end of every buffer.
  for (size_t n = 0; n < 4080; n += strlen(link + n))
    snprintf(link + n, sizeof link - n, "%s", n % 3 ? "a/../" : "./slash/");
  link[4080] = 0;
  REQUIRE(symlinkat(link, tree, "long") == 0);
  close(parent);
  return 0;
}

static char *path_of(const uint8_t *data, size_t size) {
  enum { NAMES = sizeof links / sizeof *links, DIRECTORIES = sizeof directories / sizeof *directories };
  static const char *const words[] = {"..", ".", "f", "b", "c", "up", "passwd", "long", "out", "gone", "a/f", "etc/passwd"};
  enum { WORDS = sizeof words / sizeof *words };
  char *path = malloc(32 * size + 1), *end = path;
  REQUIRE(path);
  for (size_t i = 0; i < size; i++) {
    unsigned n = data[i] >= 0x80 ? data[i] - 0x80u : NAMES + DIRECTORIES + WORDS;
    const char *word = n < NAMES                         ? links[n].name
                       : n < NAMES + DIRECTORIES         ? directories[n - NAMES]
                       : n < NAMES + DIRECTORIES + WORDS ? words[n - NAMES - DIRECTORIES]
                                                         : NULL;
    if (word)
      end += sprintf(end, "%s%s", end > path && end[-1] != '/' ? "/" : "", word);
    else
      *end++ = (char)(data[i] & 0x7f);
  }
  *end = 0;
  return path;
}

static bool is_inside(int fd) {
  char proc[32], path[8192], prefix[80];
  ssize_t n = readlink(fd_path(proc, fd), path, sizeof path - 1);
  REQUIRE(n > 0);
  path[n] = 0;
  snprintf(prefix, sizeof prefix, "%s/root", top);
  return strcmp(path, prefix) == 0 || (strncmp(path, prefix, strlen(prefix)) == 0 && path[strlen(prefix)] == '/');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char *path = path_of(data, size);
  if (*path == 0) // no path; openat2 would say ENOENT
    goto done;
  int by_hand = resolve_by_hand(tree, path), hand_error = by_hand < 0 ? errno : 0;
  int by_kernel = resolve_in_root(tree, path), kernel_error = by_kernel < 0 ? errno : 0;
  // When something is renamed meanwhile, anywhere, the kernel begins again but goes on counting links.
  for (int i = 0; i < 1000 && by_hand >= 0 && kernel_error == ELOOP; i++) {
    by_kernel = resolve_in_root(tree, path);
    kernel_error = by_kernel < 0 ? errno : 0;
  }
  REQUIRE(by_hand < 0 || is_inside(by_hand));
  struct stat a, b;
  if (by_kernel >= 0 && by_hand >= 0)
    REQUIRE(fstat(by_kernel, &a) == 0 && fstat(by_hand, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino);
  else if (by_kernel >= 0)
    REQUIRE(hand_error == ENAMETOOLONG); // its buffers hold the whole text, the kernel one link at a time
  else if (by_hand >= 0)
    REQUIRE(kernel_error == ENOTDIR); // `file/`, `file/.`, `file/..`
  if (by_kernel >= 0)
    close(by_kernel);
  if (by_hand >= 0)
    close(by_hand);
done:
  free(path);
  return 0;
}
