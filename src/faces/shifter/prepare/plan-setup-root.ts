// SPDX-License-Identifier: Apache-2.0
// `setupRoot`: root's launcher asks what to mount for a job. It builds all of it in a mount namespace of its own and moves
// it to udiMount in one step, so that a prolog which is killed leaves nothing. What a user may choose a path of (volumes)
// is not mounted here, by root, but by each task as the user; its mount points are made.
import { randomBytes } from 'node:crypto';
import { dirname } from 'node:path';
import { keepPlan, planRun, type AskedRun } from '../../../launch/index.ts';
import { type Adaptation, noIsolation, SlipwayError } from '../../../model/index.ts';
import { readUdiRoot, type UdiRoot } from '../../../site/index.ts';
import { createInputs, type Inputs } from '../../../sys/inputs.ts';
import { readStandardInput } from '../../../sys/standard-input.ts';
import { makeRootDirectory, notOfRoot } from '../../../sys/root-directory.ts';
import { groupIdsOf } from '../../../sys/name-service.ts';
import { wallClockNs } from '../../../sys/wall-clock.ts';
import { build } from '../../terminal/build.ts';
import { errorText } from '../../terminal/error-text.ts';
import type { PlanningContext } from '../../terminal/planner.ts';
import { buildContainer } from '../container.ts';
import { containerUser } from '../container-user.ts';
import { selectModules } from '../modules.ts';
import { preparedConfigPath, preparedImageText, shifterConfigText } from '../shifter-config.ts';
import { findSiteImage, type SiteImage } from '../site-image.ts';
import { cacheVolumes } from '../volumes.ts';
import { askSetupRoot, type SetupRootAsk } from './ask-setup-root.ts';
import { setupRoot, setupRootOptions } from './description.ts';
import { isHelpWanted } from './help.ts';
import { layServer } from '../ssh/lay-server.ts';
import { identityForKey, identityOfJob, parseSecret, type ServerIdentity } from '../ssh/server-identity.ts';
import { cacheMounts, dropNodeCaches, makeNodeCaches, type NodeCache, nodeCaches } from './node-caches.ts';
import { layerDirectory, serverFilesDirectory } from './places.ts';

const maxSecretBytes = 100;

/** Gives 1 where nothing was prepared, with the reason on stderr. */
export async function planSetupRoot(words: readonly string[], context: PlanningContext): Promise<number> {
  try {
    return await plan(words, context);
  } catch (error) {
    context.writeStderr(errorText(setupRoot.name, error, false));
    return 1;
  }
}

async function plan(words: readonly string[], context: PlanningContext): Promise<number> {
  if (isHelpWanted(setupRootOptions, words)) {
    const { renderHelp } = await import('../../../formats/getopt/index.ts');
    context.writeStdout(renderHelp(setupRoot, context.columns()));
    return 0;
  }
  const inputs = createInputs(context);
  if (inputs.identity().uid !== 0) throw new SlipwayError('shifter-root-needed', { command: setupRoot.name });
  const ask = askSetupRoot(words);
  const udiRoot = readUdiRoot(ask.configPath, inputs);
  if (ask.isServing) {
    const { serve } = await import('../ssh/serve.ts');
    await serve(ask, udiRoot, context);
    return 0;
  }
  const identity = identityFor(ask);
  if (inputs.kindOf(preparedConfigPath(udiRoot.udiMount)) !== undefined) {
    throw new SlipwayError('shifter-root-busy', { path: udiRoot.udiMount });
  }
  makeRootDirectory(udiRoot.udiMount);
  makeRootDirectory(layerDirectory);
  await dropNodeCaches(udiRoot);
  const modules = selectModules(ask.moduleNames ?? udiRoot.defaultModules, udiRoot);
  const caches = nodeCaches(cacheVolumes({ udiRoot, modules, volumes: ask.volumes }), udiRoot);
  if (identity !== undefined) makeRootDirectory(serverFilesDirectory);
  const own = { ...context, runDirectory: layerDirectory, nowNs: wallClockNs };
  const server = identity === undefined ? undefined : { identity, launcher: context.launcher };
  const ready = await planRun((fresh) => askedRun(words, ask, { udiRoot, inputs: fresh, server, caches }), own);
  await makeNodeCaches(caches, { udiRoot, user: ask, signal: context.signal });
  if (ask.isVerbose)
    context.writeStderr(`setupRoot: ${ask.image.request} for ${ask.userName} at ${udiRoot.udiMount}\n`);
  keepPlan(
    // A plan for this job and no other.
    { ...ready, isLasting: false },
    { runDirectory: layerDirectory, descriptor: context.planDescriptor, build: build.id, nowNs: wallClockNs() },
  );
  return 0;
}

function askedRun(
  words: readonly string[],
  ask: SetupRootAsk,
  given: {
    readonly udiRoot: UdiRoot;
    readonly inputs: Inputs;
    readonly server: { readonly identity: ServerIdentity; readonly launcher: string } | undefined;
    readonly caches: readonly NodeCache[];
  },
): AskedRun {
  const { udiRoot, inputs, server, caches } = given;
  const { uid, gid, userName, volumes, hosts } = ask;
  const user = containerUser(udiRoot, { uid, gid, groups: groupIdsOf(userName) }, inputs);
  if (user.name !== userName || user.gid !== gid) {
    throw new SlipwayError('shifter-user-refused', {
      uid,
      reason: `${userName} with group ${gid} is not whom the site knows by it`,
    });
  }
  const modules = selectModules(ask.moduleNames ?? udiRoot.defaultModules, udiRoot);
  const image = findSiteImage(ask.image, { udiRoot, user, inputs });
  requireSound(image, udiRoot, inputs);
  const config = shifterConfigText({
    identifier: image.identifier,
    user: user.name,
    volumes,
    modules: modules.map(({ name }) => name),
  });
  return {
    image: image.located,
    request: (opened) => {
      const ssh =
        server === undefined
          ? undefined
          : layServer({ identity: server.identity, ask, user, udiRoot, modules, image, inputs });
      const { layer, adaptations } = buildContainer({
        udiRoot,
        user,
        modules,
        volumes,
        config,
        ...(hosts === undefined ? {} : { hostsFile: hosts.map((host) => `${host}\n`).join('') }),
        ...(ssh === undefined ? {} : { ssh }),
        caches: cacheMounts(caches),
        image: opened,
        inputs,
        isRoot: true,
      });
      return {
        adaptations: adaptations.map((each) => (each.origin === '--volume' ? mountPointsOf(each) : each)),
        conventions: {
          style: 'slipway',
          statuses: { own: 1, notFound: 1, notExecutable: 1 },
          rootFlags: { nosuid: true, nodev: true, readOnly: true },
          makesMountPoints: false,
          layer: [...layer, { path: 'var/slipwayImage.json', kind: 'file', content: preparedImageText(image.config) }],
          preparesAt: udiRoot.udiMount,
          workdirs: [{ how: 'try', path: '/', origin: 'setupRoot' }],
          // Run when all is in its place, in the mounts and with the root of the caller.
          words:
            server === undefined
              ? ['/bin/true']
              : [`${dirname(server.launcher)}/${setupRoot.name}`, '--serve', ...words.slice(1)],
        },
        writable: { kind: 'none' },
        hasCommand: false,
        home: false,
        joining: { kind: 'nobody' },
        isolation: noIsolation,
      };
    },
    covers: { words: [setupRoot.name, ...words.slice(1)], isExact: true },
  };
}

/** @throws SlipwayError `usage` where standard input has no secret */
function identityFor({ ssh }: SetupRootAsk): ServerIdentity | undefined {
  if (ssh === undefined) return undefined;
  if (ssh !== 'secret') return identityForKey(ssh.publicKey, randomBytes(32));
  const secret = parseSecret(readStandardInput(maxSecretBytes)?.toString('latin1') ?? '');
  if (secret !== undefined) return identityOfJob(secret);
  throw new SlipwayError('usage', { command: setupRoot.name, reason: '--ssh-key=-: standard input has no secret' });
}

/** An empty directory where the user's own mount will be. */
function mountPointsOf({ origin, mounts }: Adaptation): Adaptation {
  return {
    origin,
    environment: [],
    mounts: mounts.map(({ target }) => ({ kind: 'tree', target, entries: [], flags: { nosuid: true, nodev: true } })),
  };
}

/**
 * The kernel's squashfs trusts what it mounts. So it is given only what Slipway made from layers itself, in a place where
 * nobody but root and the image service can have put or changed it. A directory is mounted by root for a user who named it:
 * so it is one that everyone can enter, by a path that only root can lead elsewhere.
 * @throws SlipwayError `shifter-root-unsound`
 */
function requireSound(image: SiteImage, udiRoot: UdiRoot, inputs: Inputs): void {
  const { root, subject } = image.located;
  const fail = (reason: string): never => {
    throw new SlipwayError('shifter-root-unsound', { image: subject, reason });
  };
  if (root.kind === 'directory') {
    const reason = notOfRoot(root.path, { isOpen: true });
    return reason === undefined ? undefined : fail(reason);
  }
  if (!image.isConverted) fail('Slipway has not made this image itself, so the kernel does not mount it');
  const service = inputs.ownerOf(udiRoot.imagePath) ?? fail(`there is no ${udiRoot.imagePath}`);
  for (const path of [udiRoot.imagePath, root.path, root.path.replace(/\.squashfs$/, '.meta')]) {
    const owner = inputs.ownerOf(path) ?? fail(`there is no ${path}`);
    if (owner.uid !== 0 && owner.uid !== service.uid)
      fail(`${path} belongs to uid ${owner.uid}, not to the image service`);
    if ((owner.mode & 0o022) !== 0) fail(`others than the image service can write ${path}`);
  }
}
