// SPDX-License-Identifier: Apache-2.0
// The Slurm plugin: options for images on sbatch, salloc and srun, and what root does for a job that has one. It decides
// nothing: at each event it runs Slipway's `shifter-job EVENT`, which answers by its exit status and lines of variables.
//
// plugstack.conf: `required /PREFIX/lib/slipway/shifter_slurm.so [shifter_config=PATH] [enable_ccm=1] [enable_sshd=1] …`
// The program is found beside this file, as /PREFIX/bin/slipway.
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <slurm/slurm.h>
#include <slurm/spank.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

SPANK_PLUGIN(shifter, 1);

enum { ANSWER_MAX = 1 << 16, WORDS_MAX = 128, WORD_MAX = 8192 };

// What a person asked for on the command line; "" stands for an option that was not given.
static struct {
  char image[WORD_MAX], volume[WORD_MAX], module[WORD_MAX];
  bool ccm;
} asked;

static int keep(char *to, const char *value) {
  if (!value || snprintf(to, WORD_MAX, "%s", value) >= WORD_MAX) {
    slurm_error("shifter: an option is missing its value, or is longer than %d bytes", WORD_MAX - 1);
    return -1;
  }
  return 0;
}

static int on_image(int tag, const char *value, int remote) { return remote ? 0 : keep(asked.image, value); }
// Each --volume adds to those before it.
static int on_volume(int tag, const char *value, int remote) {
  static char all[2 * WORD_MAX + 2];
  if (remote || !value || !*asked.volume)
    return remote ? 0 : keep(asked.volume, value);
  snprintf(all, sizeof all, "%s;%.*s", asked.volume, WORD_MAX, value);
  return keep(asked.volume, all);
}
static int on_module(int tag, const char *value, int remote) { return remote ? 0 : keep(asked.module, value); }
static int on_ccm(int tag, const char *value, int remote) {
  asked.ccm = asked.ccm || !remote;
  return 0;
}

static bool is_set(const char *name, int ac, char **av) {
  size_t n = strlen(name);
  for (int i = 0; i < ac; i++)
    if (strncmp(av[i], name, n) == 0 && (av[i][n] == 0 || (av[i][n] == '=' && strcmp(av[i] + n + 1, "0") != 0)))
      return true;
  return false;
}

// PREFIX/bin/slipway, from PREFIX/lib/slipway/shifter_slurm.so.
static bool find_program(char path[PATH_MAX]) {
  Dl_info self;
  char real[PATH_MAX];
  if (!dladdr((void *)find_program, &self) || !realpath(self.dli_fname, real))
    return false;
  for (int i = 0; i < 3; i++) {
    char *slash = strrchr(real, '/');
    if (!slash)
      return false;
    *slash = 0;
  }
  return snprintf(path, PATH_MAX, "%s/bin/slipway", real) < PATH_MAX;
}

// For what root runs: nothing of the job's own variables but those that describe the job.
static char **job_environment(char **from) {
  static char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
  static char *kept[WORDS_MAX];
  size_t n = 0;
  kept[n++] = path;
  for (; *from && n + 1 < WORDS_MAX; from++)
    if (strncmp(*from, "SPANK_SHIFTER_", 14) == 0 || strncmp(*from, "SPANK_SLIPWAY_", 14) == 0 ||
        strncmp(*from, "SLURM_JOB_", 10) == 0 || strncmp(*from, "SLURM_CONF=", 11) == 0 || strncmp(*from, "SLURMD_NODENAME=", 16) == 0)
      kept[n++] = *from;
  kept[n] = NULL;
  return kept;
}

// Runs `shifter-job EVENT WORD…` with each word of plugstack.conf behind `--with=`, and reads its stdout into `answer`.
// Gives its exit status, or -1 where it could not be run; stderr is the caller's.
static int ask(const char *event, const char *const *words, int ac, char **av, char **environment,
               char answer[ANSWER_MAX]) {
  char program[PATH_MAX];
  char *argv[WORDS_MAX] = {"shifter-job", (char *)event};
  int n = 2, pipe_fds[2];
  if (!find_program(program) || pipe2(pipe_fds, O_CLOEXEC) != 0) {
    slurm_error("shifter: find Slipway beside this plugin: %m");
    return -1;
  }
  for (int i = 0; i < ac && n < WORDS_MAX - 16; i++) {
    argv[n++] = "--with";
    argv[n++] = av[i];
  }
  for (; words && *words && n < WORDS_MAX - 1; words++)
    argv[n++] = (char *)*words;
  pid_t child = fork();
  if (child == 0) {
    // Only calls that are safe after a fork of a program with threads.
    if (dup2(pipe_fds[1], 1) < 0)
      _exit(125);
    if (geteuid() == 0 && chdir("/") != 0)
      _exit(125);
    execve(program, argv, environment);
    _exit(127);
  }
  close(pipe_fds[1]);
  size_t got = 0;
  for (ssize_t more; child > 0 && got < ANSWER_MAX - 1;) {
    more = read(pipe_fds[0], answer + got, ANSWER_MAX - 1 - got);
    if (more > 0)
      got += (size_t)more;
    else if (more == 0 || errno != EINTR)
      break;
  }
  answer[got] = 0;
  close(pipe_fds[0]);
  int status = -1;
  while (child > 0 && waitpid(child, &status, 0) < 0)
    if (errno != EINTR)
      return -1;
  if (child < 0 || !WIFEXITED(status) || WEXITSTATUS(status) == 127) {
    slurm_error("shifter: run %s: it could not be started, or was killed", program);
    return -1;
  }
  return WEXITSTATUS(status);
}

// Calls `use` for each line `WORD NAME=VALUE` of an answer.
static int each_line(char *answer, spank_t sp, int (*use)(spank_t, const char *word, const char *name, const char *value)) {
  for (char *line = strtok(answer, "\n"); line; line = strtok(NULL, "\n")) {
    char *name = strchr(line, ' '), *value = name ? strchr(name, '=') : NULL;
    if (!value)
      continue;
    *name++ = 0;
    *value++ = 0;
    if (use(sp, line, name, value) != 0)
      return -1;
  }
  return 0;
}

// `env`: for the job's own programs; `secret`: for root's scripts alone, which find it as SPANK_NAME; `job`: for both.
static int use_at_submission(spank_t sp, const char *word, const char *name, const char *value) {
  if (strcmp(word, "secret") != 0 && setenv(name, value, 1) != 0)
    return -1;
  if (strcmp(word, "env") != 0 && spank_job_control_setenv(sp, name, value, 1) != ESPANK_SUCCESS) {
    slurm_error("shifter: tell the job's nodes of %s: Slurm refuses", name);
    return -1;
  }
  return 0;
}

int slurm_spank_init(spank_t sp, int ac, char **av) {
  spank_context_t context = spank_context();
  bool is_long = is_set("long_options", ac, av);
  struct spank_option options[] = {
      {is_long ? "shifter.image" : "image", "TYPE:NAME", "image that the job's programs run in", 1, 0, on_image},
      {is_long ? "shifter.volume" : "volume", "SRC:DST[;...]", "directories to be shown in the container", 1, 0, on_volume},
      {is_long ? "shifter.module" : "module", "NAME[,...]", "the site's modules for containers", 1, 0, on_module},
      {is_long ? "shifter.ccm" : "ccm", NULL, "every program of the job runs in the container", 0, 0, on_ccm},
  };
  if (context != S_CTX_LOCAL && context != S_CTX_ALLOCATOR && context != S_CTX_REMOTE)
    return ESPANK_SUCCESS;
  int n = is_set("enable_ccm", ac, av) ? 4 : 3;
  for (int i = 0; i < n; i++)
    if (spank_option_register(sp, &options[i]) != ESPANK_SUCCESS) {
      slurm_error("shifter: register --%s: another plugin has it; add long_options to plugstack.conf", options[i].name);
      return ESPANK_ERROR;
    }
  return ESPANK_SUCCESS;
}

// A job is refused here, where a person reads it, and not on a node. By exit: Slurm would go on after an error, also of a
// required plugin; nothing has been asked of it yet.
static int submit(spank_t sp, int ac, char **av) {
  if (!*asked.image && !*asked.volume && !*asked.module && !asked.ccm)
    return ESPANK_SUCCESS;
  static char answer[ANSWER_MAX], image[WORD_MAX + 16], volume[WORD_MAX + 16], module[WORD_MAX + 16];
  snprintf(image, sizeof image, "--image=%s", asked.image);
  snprintf(volume, sizeof volume, "--volume=%s", asked.volume);
  snprintf(module, sizeof module, "--module=%s", asked.module);
  const char *const words[] = {image, volume, module, asked.ccm ? "--ccm" : NULL, NULL};
  if (ask("submit", words, ac, av, environ, answer) != 0 || each_line(answer, sp, use_at_submission) != 0)
    exit(1);
  return ESPANK_SUCCESS;
}

static int for_job(const char *event, int ac, char **av) {
  static char answer[ANSWER_MAX];
  return ask(event, NULL, ac, av, job_environment(environ), answer) == 0 ? ESPANK_SUCCESS : ESPANK_ERROR;
}

int slurm_spank_job_prolog(spank_t sp, int ac, char **av) { return for_job("prolog", ac, av); }
int slurm_spank_job_epilog(spank_t sp, int ac, char **av) { return for_job("epilog", ac, av); }

// The root that the prolog prepared for this job, when its tasks are to run in it; "" otherwise.
static char ccm_root[PATH_MAX];
// There is none. Slurm 22.05 starts tasks after an error of a plugin, also of a required one: they would run outside.
static bool is_ccm_lost;
static char ccm_reason[WORD_MAX] = "it can not be entered";

static int use_on_node(spank_t sp, const char *word, const char *name, const char *value) {
  if (strcmp(word, "root") == 0 && snprintf(ccm_root, sizeof ccm_root, "%s", value) >= (int)sizeof ccm_root)
    return -1;
  if (strcmp(word, "reason") == 0)
    snprintf(ccm_reason, sizeof ccm_reason, "%s", value);
  return 0;
}

static bool has_variable(spank_t sp, const char *name) {
  char value[8];
  spank_err_t found = spank_getenv(sp, name, value, sizeof value);
  return found == ESPANK_SUCCESS || found == ESPANK_NOSPACE;
}

// As root, in the process that watches over a step's tasks: asks with the job's number and user.
static int ask_on_node(spank_t sp, const char *event, int ac, char **av, char answer[ANSWER_MAX]) {
  char job_word[32], uid_word[32];
  uint32_t job = 0;
  uid_t uid = 0;
  if (spank_get_item(sp, S_JOB_ID, &job) != ESPANK_SUCCESS || spank_get_item(sp, S_JOB_UID, &uid) != ESPANK_SUCCESS)
    return -1;
  snprintf(job_word, sizeof job_word, "--job=%u", job);
  snprintf(uid_word, sizeof uid_word, "--uid=%u", (unsigned)uid);
  const char *const words[] = {job_word, uid_word, NULL};
  return ask(event, words, ac, av, job_environment(environ), answer);
}

static bool is_extern(spank_t sp) {
  uint32_t step = 0;
  return spank_get_item(sp, S_JOB_STEPID, &step) == ESPANK_SUCCESS && step == SLURM_EXTERN_CONT;
}

static int begin_step(spank_t sp, int ac, char **av) {
  static char answer[ANSWER_MAX];
  // Slurm may show tasks what root's scripts are told. Programs that print their variables must not give away a key.
  (void)spank_unsetenv(sp, "SLURM_SPANK_SHIFTER_SSH_SECRET");
  // What the variables say is checked by the answer.
  if (is_extern(sp) || !is_set("enable_ccm", ac, av) ||
      (!has_variable(sp, "SHIFTER_CCM") && !has_variable(sp, "SLURM_SPANK_SHIFTER_CCM")))
    return ESPANK_SUCCESS;
  is_ccm_lost = ask_on_node(sp, "step", ac, av, answer) != 0 || each_line(answer, sp, use_on_node) != 0 || !*ccm_root;
  return ESPANK_SUCCESS;
}

// The extern step has one process, which stands for all that other daemons start for the job; here it is in its groups.
int slurm_spank_task_post_fork(spank_t sp, int ac, char **av) {
  static char answer[ANSWER_MAX];
  if (!is_extern(sp) || (!is_set("extern_setup", ac, av) && !is_set("extern_cgroup", ac, av)))
    return ESPANK_SUCCESS;
  return ask_on_node(sp, "extern", ac, av, answer) == 0 ? ESPANK_SUCCESS : ESPANK_ERROR;
}

int slurm_spank_init_post_opt(spank_t sp, int ac, char **av) {
  switch (spank_context()) {
  case S_CTX_LOCAL:
  case S_CTX_ALLOCATOR:
    return submit(sp, ac, av);
  case S_CTX_REMOTE:
    return begin_step(sp, ac, av);
  default:
    return ESPANK_SUCCESS;
  }
}

// Still as root, in the task itself: the user can not leave a root that he did not choose.
int slurm_spank_task_init_privileged(spank_t sp, int ac, char **av) {
  if (!*ccm_root)
    return ESPANK_SUCCESS;
  char cwd[PATH_MAX];
  if (!getcwd(cwd, sizeof cwd))
    strcpy(cwd, "/");
  if (chroot(ccm_root) != 0 || chdir("/") != 0) {
    slurm_error("shifter: enter the job's container at %s: %m", ccm_root);
    is_ccm_lost = true;
    return ESPANK_ERROR;
  }
  if (chdir(cwd) != 0)
    slurm_info("shifter: the container has no %s; the task starts in /", cwd);
  return ESPANK_SUCCESS;
}

// As the user, in the task itself, with nothing before it but the job's program.
int slurm_spank_task_init(spank_t sp, int ac, char **av) {
  if (is_ccm_lost) {
    slurm_error("shifter: --ccm: %s", ccm_reason);
    _exit(1);
  }
  return ESPANK_SUCCESS;
}
