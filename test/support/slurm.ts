// SPDX-License-Identifier: Apache-2.0
// A real Slurm of several nodes on one machine, for tests: slurmctld here, and each slurmd in namespaces of its own, so
// that a node has its own address, host name, processes, mounts, /run and /dev/shm, as nodes have, and shares all other
// directories, as nodes share a parallel file system. Everything ends with the test; what a node mounted or started goes
// with its namespaces.
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CommandOptions, type CommandResult, run, runOk } from './command.ts';
import { findOnPath } from './needs.ts';
import { freePort, type Service, startService } from './service.ts';
import { temporaryDirectory } from './temporary.ts';
import type { TestUser, UserCommandOptions } from './user.ts';

/** What `needs` must find, with `root: true`. */
export const slurmCommands: readonly string[] = ['slurmctld', 'slurmd', 'srun', 'munged', 'ip', 'unshare', 'nsenter'];

export type SlurmOptions = {
  /** How many; 2 when left out. They are called n1, n2, … */
  readonly nodes?: number;
  /** As Slurm is told, whatever the machine has; 64 when left out. */
  readonly cpusPerNode?: number;
  /** The text of plugstack.conf. */
  readonly plugstack?: string;
  /** Further lines for slurm.conf, which override those here where Slurm takes the last. */
  readonly conf?: readonly string[];
  /** Run by sh as root on each node before its slurmd starts: mounts that all its jobs see. */
  readonly prepareNode?: string;
};

export type SlurmNode = {
  readonly name: string;
  readonly address: string;
  /** Runs a program as root on the node, in its namespaces. */
  readonly run: (argv: readonly string[], options?: CommandOptions) => Promise<CommandResult>;
  /** The same, and the status must be 0; gives stdout. */
  readonly runOk: (argv: readonly string[], options?: CommandOptions) => Promise<string>;
  /** What slurmd has logged. */
  readonly log: () => string;
  readonly stop: () => Promise<void>;
};

export type Slurm = {
  readonly nodes: readonly SlurmNode[];
  /**
   * For srun, sbatch, scancel, squeue, sinfo, scontrol. XDG_RUNTIME_DIR is taken away: on a node there is no such
   * directory, and Slurm hands variables on.
   */
  readonly env: { readonly SLURM_CONF: string; readonly XDG_RUNTIME_DIR: undefined };
  /** Runs one of Slurm's commands as root. */
  readonly runOk: (argv: readonly string[]) => Promise<string>;
  /** What slurmctld has logged. */
  readonly log: () => string;
};

/** Starts a cluster and waits until its nodes are idle; it ends with the calling suite or test. Needs root. */
export async function startSlurm(options: SlurmOptions = {}): Promise<Slurm> {
  const directory = temporaryDirectory();
  chmodSync(directory, 0o755);
  const network = freeNetwork();
  const names = Array.from({ length: options.nodes ?? 2 }, (_, index) => `n${index + 1}`);
  const munge = await startMunge(directory);
  const configPath = join(directory, 'slurm.conf');
  // Its default is /tmp, which nodes here share.
  writeFileSync(join(directory, 'mpi.conf'), 'PMIxCliTmpDirBase=/dev/shm\n');
  // Without the file Slurm 22.05 makes directories beside the hierarchies.
  writeFileSync(
    join(directory, 'cgroup.conf'),
    'CgroupPlugin=cgroup/v1\nCgroupMountpoint=/sys/fs/cgroup\nCgroupAutomount=no\n',
  );
  writeFileSync(join(directory, 'plugstack.conf'), options.plugstack ?? '');
  const spool = join(directory, 'controller');
  mkdirSync(spool, { mode: 0o755 });
  writeFileSync(
    configPath,
    [
      'ClusterName=test',
      // A controller called localhost starts on a machine of any name.
      `SlurmctldHost=localhost(${network.address(254)})`,
      `SlurmctldPort=${await freePort()}`,
      'SlurmdPort=6818',
      'SlurmUser=root',
      'AuthType=auth/munge',
      `AuthInfo=socket=${munge}`,
      'CryptoType=crypto/munge',
      'ProctrackType=proctrack/linuxproc',
      'TaskPlugin=task/none',
      'JobAcctGatherType=jobacct_gather/none',
      'SelectType=select/cons_tres',
      'SelectTypeParameters=CR_CPU',
      'PrologFlags=Alloc',
      'MpiDefault=pmi2',
      'ReturnToService=2',
      'SlurmdParameters=config_overrides',
      'SchedulerParameters=batch_sched_delay=0,sched_interval=1,bf_interval=1',
      // 0 waits for nobody; a job's end is noticed at once.
      'KillWait=5',
      'InactiveLimit=0',
      `StateSaveLocation=${spool}`,
      `SlurmctldPidFile=${spool}/slurmctld.pid`,
      `SlurmctldLogFile=${spool}/slurmctld.log`,
      `SlurmdSpoolDir=${directory}/spool-%n`,
      `SlurmdPidFile=${directory}/slurmd-%n.pid`,
      `SlurmdLogFile=${directory}/slurmd-%n.log`,
      `PlugStackConfig=${directory}/plugstack.conf`,
      ...names.map(
        (name, index) =>
          `NodeName=${name} NodeAddr=${network.address(index + 1)} CPUs=${options.cpusPerNode ?? 64} RealMemory=1000`,
      ),
      `PartitionName=all Nodes=${names.join(',')} Default=YES MaxTime=INFINITE State=UP OverSubscribe=NO`,
      ...(options.conf ?? []),
      '',
    ].join('\n'),
  );
  const env = { PATH: process.env['PATH'] ?? '/usr/sbin:/usr/bin:/sbin:/bin', SLURM_CONF: configPath };

  const hosts = join(directory, 'hosts');
  writeFileSync(
    hosts,
    ['127.0.0.1 localhost', ...names.map((name, index) => `${network.address(index + 1)} ${name}`), ''].join('\n'),
  );
  // The first node is the switch: the others and this machine are ports of its bridge, and go when it goes.
  const nodes: SlurmNode[] = [];
  let hub: number | undefined;
  for (const [index, name] of names.entries()) {
    const node = await startNode(name, { directory, env, hosts, prepare: options.prepareNode ?? '' }, async (pid) => {
      if (hub === undefined) await makeHub(pid, network);
      hub ??= pid;
      await plugIn(pid, { hub, port: `port${index + 1}`, address: network.address(index + 1) });
    });
    nodes.push({ ...node, address: network.address(index + 1) });
  }
  const isUp = async (): Promise<boolean> => {
    const said = await run(['sinfo', '--noheader', '--format=%T %D'], { env });
    return said.status === 0 && said.stdout.trim() === `idle ${names.length}`;
  };
  await startService([findOnPath('slurmctld') ?? 'slurmctld', '-c', '-D'], isUp, { env, timeoutMs: 60_000 });
  return {
    nodes,
    env: { SLURM_CONF: configPath, XDG_RUNTIME_DIR: undefined },
    runOk: (argv) => runOk(argv, { env, cwd: '/' }),
    log: () => readFileSync(join(spool, 'slurmctld.log'), 'utf8'),
  };
}

const mpiTries = 3;
const mpiPatienceMs = 45_000;

/**
 * Runs a step of an MPI program as the user, and gives its stdout. Debian 12's MPICH now and then does not come back from
 * MPI_Finalize over two nodes, also with no container in sight: such a step is ended, and tried again.
 */
export async function runMpiStep(
  user: TestUser,
  words: readonly string[],
  env: UserCommandOptions['env'],
): Promise<string> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await user.runOk(['srun', ...words], { env: env ?? {}, timeoutMs: mpiPatienceMs });
    } catch (error) {
      const hangs = error instanceof Error && error.message.includes('was killed after');
      if (!hangs || attempt === mpiTries) throw error;
      await user.run(['scancel', '--me'], { env: env ?? {} });
    }
  }
}

/** A munged with a key and a socket of its own; gives the socket. */
async function startMunge(directory: string): Promise<string> {
  const own = join(directory, 'munge');
  mkdirSync(own, { mode: 0o755 });
  const key = join(own, 'key');
  writeFileSync(key, crypto.getRandomValues(new Uint8Array(128)), { mode: 0o400 });
  const socket = join(own, 'socket');
  const argv = [
    findOnPath('munged') ?? 'munged',
    '--foreground',
    '--force',
    `--key-file=${key}`,
    `--socket=${socket}`,
    `--pid-file=${own}/pid`,
    `--log-file=${own}/log`,
    `--seed-file=${own}/seed`,
  ];
  await startService(argv, async () => (await run(['munge', '-n', '-S', socket])).status === 0);
  return socket;
}

/** A network of test nodes: `name` for an interface of this machine, and the address of a number. */
type Network = { readonly name: string; readonly address: (number: number) => string };

/** By this process's id, which no other test file has: 198.18.0.0/15 is set apart for tests (RFC 2544). */
function freeNetwork(): Network {
  const id = process.pid % 512;
  return {
    name: `slurm${process.pid}`,
    address: (number) => `198.${18 + (id >> 8)}.${id & 255}.${number}`,
  };
}

async function makeHub(pid: number, network: Network): Promise<void> {
  await inside(pid, 'ip link add hub type bridge && ip link set hub up', []);
  await runOk(['ip', 'link', 'add', network.name, 'type', 'veth', 'peer', 'name', 'login', 'netns', String(pid)]);
  await inside(pid, 'ip link set login master hub up', []);
  await runOk(['ip', 'address', 'add', `${network.address(254)}/24`, 'dev', network.name]);
  await runOk(['ip', 'link', 'set', network.name, 'up']);
}

async function plugIn(
  pid: number,
  to: { readonly hub: number; readonly port: string; readonly address: string },
): Promise<void> {
  // Made in the hub's namespace, where process ids of this machine mean nothing: by way of this one.
  const port = `${to.port}x${pid}`.slice(0, 15);
  await runOk([
    'ip',
    'link',
    'add',
    port,
    'netns',
    String(to.hub),
    'type',
    'veth',
    'peer',
    'name',
    'eth0',
    'netns',
    String(pid),
  ]);
  await inside(to.hub, 'ip link set "$1" master hub up', [port]);
  await inside(pid, 'ip address add "$1/24" dev eth0 && ip link set eth0 up', [to.address]);
}

async function inside(pid: number, script: string, words: readonly string[]): Promise<void> {
  await runOk(['nsenter', `--target=${pid}`, '--net', 'sh', '-euc', script, 'sh', ...words]);
}

async function startNode(
  name: string,
  given: {
    readonly directory: string;
    readonly env: Readonly<Record<string, string>>;
    readonly hosts: string;
    readonly prepare: string;
  },
  connect: (pid: number) => Promise<void>,
): Promise<Omit<SlurmNode, 'address'>> {
  const { directory, env, hosts, prepare } = given;
  const ready = join(directory, `ready-${name}`);
  const log = join(directory, `slurmd-${name}.log`);
  mkdirSync(join(directory, `spool-${name}`), { mode: 0o755 });
  writeFileSync(log, '');
  const script = [
    'hostname "$1"',
    'mount -t tmpfs -o mode=755 none /run',
    'mount -t tmpfs -o mode=1777 none /dev/shm',
    'mount --bind "$3" /etc/hosts',
    'ip link set lo up',
    // A sysfs shows the network of whoever mounts it.
    'mkdir /run/cgroup && mount --rbind /sys/fs/cgroup /run/cgroup',
    'mount -t sysfs none /sys && mount --rbind /run/cgroup /sys/fs/cgroup && umount -l /run/cgroup',
    // Where it is: the process of this pid namespace has another id outside.
    'until [ -e "$2" ]; do sleep 0.02; done',
    prepare,
    // The shell stays as the first process: it takes the ends of orphans, which Slurm's daemon would leave.
    '"$4" -D -N "$1" & wait $!',
  ].join('\n');
  const words = [name, ready, hosts, findOnPath('slurmd') ?? 'slurmd'];
  const service: Service = await startService(
    [
      'unshare',
      '--net',
      '--uts',
      '--ipc',
      '--mount',
      '--pid',
      '--fork',
      '--kill-child',
      '--mount-proc',
      '--',
      'sh',
      '-euc',
      script,
      'sh',
      ...words,
    ],
    () => true,
    { env, cwd: '/' },
  );
  const pid = await childOf(service);
  await connect(pid);
  writeFileSync(ready, '');
  const enter = (argv: readonly string[]): readonly string[] => [
    'nsenter',
    `--target=${pid}`,
    '--mount',
    '--net',
    '--uts',
    '--ipc',
    '--pid',
    '--',
    ...argv,
  ];
  return {
    name,
    run: (argv, options = {}) => run(enter(argv), { env, ...options }),
    runOk: (argv, options = {}) => runOk(enter(argv), { env, ...options }),
    log: () => `${readFileSync(log, 'utf8')}${service.output()}`,
    stop: service.stop,
  };
}

/** The first process of the namespaces that `unshare --fork` made, by its id here. */
async function childOf(service: Service): Promise<number> {
  for (;;) {
    const children = readFileSync(`/proc/${service.pid}/task/${service.pid}/children`, 'utf8').trim();
    if (children !== '') return Number(children.split(' ')[0]);
    if (service.output() !== '') throw new Error(`a node did not start: ${service.output()}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
