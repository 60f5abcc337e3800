// SPDX-License-Identifier: Apache-2.0
// From what is asked for, the image and the site to a RunRequest.
import type { OpenedImage } from '../../launch/index.ts';
import {
  type Adaptation,
  type FaceConventions,
  noIsolation,
  type RunRequest,
  SlipwayError,
} from '../../model/index.ts';
import type { ShifterModule, UdiRoot, VolumeMap } from '../../site/index.ts';
import type { Inputs } from '../../sys/inputs.ts';
import { parseVariable, type ShifterAsk } from './ask.ts';
import { batchScriptMounts } from './batch-script.ts';
import { buildContainer, type Container } from './container.ts';
import type { ContainerUser } from './container-user.ts';
import { environmentOf } from './environment.ts';
import { guestView, type GuestView } from './guest-view.ts';
import { readNodeRecord } from './job/node-record.ts';
import type { SiteImage } from './site-image.ts';
import { cacheRefusal, cacheVolumes, volumeMounts } from './volumes.ts';

export type RequestInput = {
  readonly ask: ShifterAsk;
  readonly udiRoot: UdiRoot;
  readonly user: ContainerUser;
  readonly modules: readonly ShifterModule[];
  readonly image: SiteImage;
  readonly inputs: Inputs;
  /** The text of /var/shifterConfig.json. */
  readonly config: string;
  /** Of specifications of devices. */
  readonly devices: readonly Adaptation[];
  /** The root that a job's prolog prepared from all this; absent: one is built here. */
  readonly preparedAt?: string;
};

/** @throws SlipwayError `shifter-cache-…`, `job-not-prepared`, `shifter-volume-missing`, `shifter-no-entrypoint`, `shifter-no-workdir`, `usage`, those of the container */
export function requestOf(input: RequestInput, opened: OpenedImage): RunRequest {
  const { ask, udiRoot, user, modules, image, inputs, config, devices, preparedAt } = input;
  const { volumes } = ask;
  const built: Container =
    preparedAt === undefined
      ? buildContainer({
          udiRoot,
          user,
          modules,
          volumes,
          config,
          // Their variables come among the others.
          devices: devices.map((each) => ({ ...each, environment: [] })),
          image: opened,
          inputs,
          isRoot: false,
        })
      : { layer: [], adaptations: volumeMounts(volumes) };
  const view = guestView(
    built.adaptations.flatMap(({ mounts }) => mounts),
    opened,
    inputs,
  );
  if (preparedAt === undefined) refuseCaches(cacheVolumes({ volumes, modules, udiRoot }), udiRoot, inputs);
  for (const { from, perNodeCache } of volumes) {
    if (perNodeCache === undefined && view.kindOf(from) !== 'directory')
      throw new SlipwayError('shifter-volume-missing', { from });
  }
  const workdir = workdirOf(ask, image);
  const environment = environmentOf({
    clearsEnvironment: ask.clearsEnvironment,
    ...(ask.image === undefined ? {} : { request: ask.image.request }),
    identifier: image.identifier,
    imageEnv: image.config.env,
    devices,
    fromFiles: ask.envFiles.flatMap((file) => readEnvFile(file, workdir, view, inputs)),
    fromOptions: ask.variables,
    modules,
    site: udiRoot.environment,
  });
  const script = batchScriptMounts(ask.command, view, inputs);
  return {
    adaptations: [...built.adaptations, ...script, ...environment],
    conventions: {
      style: 'slipway',
      statuses: { own: 1, notFound: 127, notExecutable: 127 },
      makesMountPoints: false,
      workdirs: [
        workdir === undefined
          ? { how: 'caller', path: '/', origin: 'the current directory', complains: true }
          : { how: 'try', path: workdir, origin: '--workdir', complains: true },
        { how: 'try', path: '/', origin: 'default' },
      ],
      words: [...hookWords(modules), ...programWords(ask, image)],
      ...rootOf(built.layer, preparedAt),
    },
    writable: { kind: 'none' },
    hasCommand: ask.command.length > 0,
    home: false,
    joining: { kind: 'ranks' },
    isolation: noIsolation,
  };
}

/** Why there is no cache: the site gives none such, or the prolog of this job failed, or there was none. */
function refuseCaches(caches: readonly VolumeMap[], udiRoot: UdiRoot, inputs: Inputs): void {
  for (const { to, perNodeCache } of caches) {
    const reason = perNodeCache === undefined ? undefined : cacheRefusal(perNodeCache, udiRoot);
    if (reason !== undefined) throw new SlipwayError('shifter-cache-refused', { to, reason });
    const job = inputs.environment('SLURM_JOB_ID') ?? '';
    const record = readNodeRecord(job, inputs);
    if (record?.reason !== undefined) throw new SlipwayError('job-not-prepared', { job, reason: record.reason });
    throw new SlipwayError('shifter-cache-needs-root', { to });
  }
}

function rootOf(
  layer: FaceConventions['layer'],
  preparedAt: string | undefined,
): Pick<FaceConventions, 'rootFlags' | 'layer' | 'lingerMs'> {
  // What was prepared is as its flags say, and goes with the job: nothing may hold it any longer.
  if (preparedAt !== undefined) return { rootFlags: { recursive: true, readOnly: false }, lingerMs: 0 };
  return { rootFlags: { nosuid: true, nodev: true }, ...(layer === undefined ? {} : { layer }) };
}

function workdirOf(ask: ShifterAsk, image: SiteImage): string | undefined {
  if (ask.workdir === undefined) return undefined;
  const path = ask.workdir.path ?? image.config.workdir;
  if (path !== undefined && path !== '') return path;
  throw new SlipwayError('shifter-no-workdir', { image: image.located.subject });
}

function programWords(ask: ShifterAsk, image: SiteImage): readonly string[] {
  const { entrypoint, command } = ask;
  if (entrypoint === undefined) return command.length === 0 ? ['/bin/sh'] : [];
  if (entrypoint.program !== undefined) return [entrypoint.program];
  const own = image.config.entrypoint;
  if (own.length === 0) throw new SlipwayError('shifter-no-entrypoint', { image: image.located.subject });
  return command.length === 0 ? [...own, ...image.config.cmd] : own;
}

/** Runs each module's userhook without any variable, and then becomes the program. */
const hookScript = [
  'while [ "$1" != -- ]; do',
  '  PATH=/usr/bin:/bin env -i /bin/sh "$2" || { echo "shifter: the userhook of module $1 failed; the program is not started" >&2; exit 1; }',
  '  shift 2',
  'done',
  'shift',
  'exec "$@"',
].join('\n');

function hookWords(modules: readonly ShifterModule[]): readonly string[] {
  const hooks = modules.flatMap(({ name, userHook }) => (userHook === undefined ? [] : [name, userHook]));
  return hooks.length === 0 ? [] : ['/bin/sh', '-c', hookScript, 'shifter', ...hooks, '--'];
}

/** Of the container, as the program would find it. */
function readEnvFile(
  file: string,
  workdir: string | undefined,
  view: GuestView,
  inputs: Inputs,
): readonly { readonly name: string; readonly value: string }[] {
  const path = file.startsWith('/') ? file : workdir === undefined ? inputs.absolute(file) : `${workdir}/${file}`;
  const text = view.readText(path);
  if (text === undefined) throw new SlipwayError('shifter-env-file-missing', { path });
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => parseVariable(line, `--env-file ${file}`));
}
