// SPDX-License-Identifier: Apache-2.0
// The three kinds of work: pulling an image, importing a file, expiring an image. Each holds a claim; its signal is
// aborted when the claim is lost or the gateway stops.
import { formatMetaFile } from '../../formats/shifter/index.ts';
import { machineArchitecture } from '../../sys/architecture.ts';
import { readFileIfPresent, removeIfPresent } from '../../sys/files.ts';
import type { GatewayConfig, PlatformConfig } from '../../site/index.ts';
import { tokenFor } from '../auth/session.ts';
import { type GatewayContext, nowSec } from '../context.ts';
import type { Claim, FinishedPull, ImageFacts, ImageRecord, RecordChanges } from '../records/types.ts';
import type { Destination } from './destination.ts';
import { destinationOf } from './destination-of.ts';
import { createProgressCounter } from './pull-progress.ts';
import { resolveLocation } from './reference.ts';
import { runWorkerProcess } from './run-worker-process.ts';
import type { WorkerTask } from './worker-protocol.ts';

export type JobSettings = {
  readonly workerCommand: readonly [string, ...string[]];
  readonly proxy: WorkerTask['proxy'];
  /** DISABLE_ACL_METADATA of Shifter. */
  readonly writesAccess: boolean;
};

export type JobRun = {
  readonly claim: Claim;
  readonly context: GatewayContext;
  readonly settings: JobSettings;
  readonly signal: AbortSignal;
  /** Writes to the record. @throws the signal's reason where the claim is lost */
  readonly update: (changes: RecordChanges) => Promise<void>;
};

const maxAuthorityBytes = 4 * 1024 * 1024;
/** How often what a pull has done so far is written down. */
const progressMs = 1000;

/** Does the work; what it throws becomes the record's failure. */
export async function runJob(run: JobRun): Promise<void> {
  const { record } = run.claim;
  const config = run.context.config();
  const platform = config.platforms.get(record.system);
  if (platform === undefined) throw new Error(`there is no system ${record.system} any more`);
  const destination = destinationOf(platform);
  switch (record.job) {
    case 'pull':
      return await runPull(run, { config, platform, destination });
    case 'import':
      return await runImport(run, destination);
    case 'expire':
      return await runExpiry(run, destination);
    case null:
      throw new Error('a record without a job was claimed');
    default:
      return record.job satisfies never;
  }
}

type Place = { readonly config: GatewayConfig; readonly platform: PlatformConfig; readonly destination: Destination };

async function runPull(run: JobRun, { config, platform, destination }: Place): Promise<void> {
  const { record, sealedCredentials } = run.claim;
  const { context, signal, update, settings } = run;
  await update({ status: 'PULLING', statusMessage: 'PULLING', facts: null, progress: null });
  const { location, reference } = resolveLocation(record.pullTag, config);
  const tokens = await context.seal.open(sealedCredentials, record.system, signal);
  const authority =
    location.certificateAuthorityPath === undefined
      ? undefined
      : (await readFileIfPresent(location.certificateAuthorityPath, { maxBytes: maxAuthorityBytes }))?.toString('utf8');
  const progress = createProgressCounter();
  let lastWrittenMs = 0;
  let presentBytes: number | undefined;
  let found: { readonly facts: ImageFacts; readonly isPrivate: boolean } | undefined;
  const made = await runWorkerProcess({
    image: record.pullTag,
    command: settings.workerCommand,
    signal,
    task: {
      reference,
      platform: { os: 'linux', architecture: platform.architecture ?? machineArchitecture() },
      isPlainHttp: location.isPlainHttp,
      certificateAuthority: authority,
      credentials: tokenFor(tokens, location, config.defaultLocation),
      proxy: settings.proxy,
      userAgent: `slipway-gateway/${context.version}`,
      store: `${config.cacheDirectory}/store`,
      expandDirectory: config.expandDirectory,
      converter: config.converter,
      compressionLevel: config.compressionLevel,
      threads: undefined,
      examiner: config.examiner,
    },
    onResolved: async ({ facts, isPrivate }) => {
      found = { facts, isPrivate };
      await update({ facts, isPrivate });
      presentBytes = await destination.sizeOf(facts.id, record.format, signal);
      return presentBytes === undefined;
    },
    onMessage: async (message) => {
      if (message.type === 'status') await update({ status: message.status, statusMessage: message.message });
      else if (message.event.type === 'warning')
        context.log.warn({ image: record.pullTag, warning: message.event.text });
      else if (progress.note(message.event) && context.clock.monotonicMs() - lastWrittenMs > progressMs) {
        lastWrittenMs = context.clock.monotonicMs();
        await update({ progress: progress.progress() });
      }
    },
  });
  if (found === undefined) throw new Error('the worker has not told what the tag points to');
  const { isPrivate } = found;
  const facts = { ...found.facts, sizeBytes: made?.sizeBytes ?? presentBytes ?? 0 };
  const statusMessage = made === undefined ? 'Transferring metadata' : 'Transferring image';
  await update({ status: 'TRANSFER', statusMessage, facts });
  const access = isPrivate ? { userAcl: record.userAcl, groupAcl: record.groupAcl } : { userAcl: [], groupAcl: [] };
  try {
    const meta = metaText(record, facts, { ...access, isPrivate, settings });
    if (made === undefined) {
      await destination.putMeta(facts.id, meta, signal);
    } else {
      await destination.putImage(
        { id: facts.id, format: record.format, path: made.path, meta },
        {
          signal,
          onProgress: (doneBytes, totalBytes) => {
            if (doneBytes === totalBytes) context.meters.deliveredBytes.inc({ system: record.system }, totalBytes);
          },
        },
      );
    }
    const isForAll = (access.userAcl ?? []).length === 0 && (access.groupAcl ?? []).length === 0;
    await destination.setReaders({ id: facts.id, format: record.format }, isForAll ? 'all' : 'service', signal);
  } finally {
    if (made?.isTemporary === true) await removeIfPresent(made.path);
  }
  const isOpened = isPrivate && (record.userAcl ?? []).length === 0 && (record.groupAcl ?? []).length === 0;
  await finish(run, {
    facts,
    isPrivate,
    ...access,
    statusMessage: isOpened
      ? `${statusMessage} (private in its registry, but without an access list: open to all)`
      : statusMessage,
    now: nowSec(context.clock),
  });
}

async function finish(run: JobRun, result: FinishedPull): Promise<void> {
  const { key } = run.claim.record;
  if (!(await run.context.records.finish(key, run.claim.token, result))) throw new Error('the job is lost');
}

function metaText(
  record: ImageRecord,
  facts: ImageFacts,
  access: Pick<FinishedPull, 'userAcl' | 'groupAcl' | 'isPrivate'> & { readonly settings: JobSettings },
): string {
  const tellsAccess = access.isPrivate && access.settings.writesAccess;
  return formatMetaFile({
    format: record.format,
    entry: facts.entry,
    cmd: facts.cmd,
    workdir: facts.workdir ?? undefined,
    userAcl: tellsAccess ? (access.userAcl ?? undefined) : undefined,
    groupAcl: tellsAccess ? (access.groupAcl ?? undefined) : undefined,
    env: facts.env,
    importer: record.job === 'import' ? record.requester : undefined,
  });
}

async function runImport(run: JobRun, destination: Destination): Promise<void> {
  const { record } = run.claim;
  const { update, signal, settings } = run;
  if (record.filePath === null) throw new Error('an import without a file');
  await update({ status: 'HASHING', statusMessage: 'HASHING', facts: null });
  const empty = { env: [], entry: [], cmd: [], workdir: null, labels: {} };
  const file = { path: record.filePath, uid: record.requesterUid, format: record.format };
  const { id, sizeBytes } = await destination.importFile(file, {
    signal,
    onHashed: async (hash) => {
      const facts = { id: hash, ...empty };
      await update({ status: 'TRANSFER', statusMessage: 'TRANSFER', facts });
      const text = metaText(record, facts, { userAcl: null, groupAcl: null, isPrivate: false, settings });
      await destination.putMeta(hash, text, signal);
    },
  });
  await destination.setReaders({ id, format: record.format }, 'all', signal);
  await finish(run, {
    facts: { id, ...empty, sizeBytes },
    isPrivate: false,
    userAcl: null,
    groupAcl: null,
    statusMessage: 'TRANSFER',
    now: nowSec(run.context.clock),
  });
}

async function runExpiry(run: JobRun, destination: Destination): Promise<void> {
  const { record, token } = run.claim;
  const { records } = run.context;
  if (record.facts !== null && !(await records.isIdShared(record))) {
    await destination.remove(record.facts.id, record.format, run.signal);
  }
  await records.finishExpiry(record.key, token);
}
