// SPDX-License-Identifier: Apache-2.0
// Hooks in a plan: the steps that run them, and the bundle that they are told of (OCI runtime-spec, "State", "Bundle").
// The bundle is the same for all ranks: what differs from one to the other a hook finds by the process id in the state.
import { type HookRequest, type HookStage, pidMark, type RunRequest, SlipwayError, type Step } from '../model/index.ts';
import type { HostFacts } from './facts.ts';
import { fingerprint } from './fingerprint.ts';
import { ociConfig } from './oci-bundle.ts';
import type { Skeleton } from './scaffold.ts';

/** In the container's life: what a runtime says of it then. */
const statuses: Readonly<Record<HookStage, string>> = {
  prestart: 'creating',
  createRuntime: 'creating',
  createContainer: 'creating',
  startContainer: 'created',
  poststart: 'running',
  poststop: 'stopped',
};
const whileBuilding: readonly HookStage[] = ['prestart', 'createRuntime', 'createContainer'];
const whenBuilt: readonly HookStage[] = ['startContainer', 'prestart', 'createRuntime', 'poststart', 'poststop'];

type AskedHook = HookRequest & { readonly origin: string };

export function hasHooks({ adaptations }: RunRequest): boolean {
  return adaptations.some(({ hooks }) => hooks !== undefined && hooks.length > 0);
}

/**
 * Puts a request's hooks into the steps of its container.
 * @throws SlipwayError `hook-joined` where the container may be another's
 */
export function withHooks(
  steps: readonly Step[],
  given: { readonly request: RunRequest; readonly host: HostFacts; readonly subject: string },
): { readonly steps: readonly Step[]; readonly bundle?: Skeleton } {
  const { request, host, subject } = given;
  const asked = request.adaptations.flatMap(({ origin, hooks = [] }) => hooks.map((hook) => ({ ...hook, origin })));
  const [first] = asked;
  if (first === undefined) return { steps };
  if (request.joining.kind === 'tag' || request.joining.kind === 'process') {
    throw new SlipwayError('hook-joined', { hook: first.path, origin: first.origin });
  }
  const { name = `slipway-${pidMark}`, annotations = {}, environment = {} } = request.identity ?? {};
  const config = ociConfig(
    { steps, subject },
    {
      root: 'rootfs',
      environment,
      cwd: '/',
      uid: host.uid,
      gid: host.gid,
      words: [],
      isThere: () => true,
      isScaffold: () => false,
      annotations,
    },
  );
  const entries: Skeleton['entries'] = [
    { path: 'config.json', kind: 'file', content: `${JSON.stringify(config, undefined, 2)}\n` },
    { path: 'rootfs', kind: 'directory' },
  ];
  const path = `${host.generatedDirectory}/s-${fingerprint(JSON.stringify(entries))}`;
  const toStep = ({ stage, timeoutSeconds, origin, ...hook }: AskedHook): Step => ({
    step: 'hook',
    stage,
    path: hook.path,
    args: hook.args,
    env: hook.env,
    directory: stage === 'startContainer' ? '/' : path,
    state: stateText({ name, status: statuses[stage], bundle: path, annotations }),
    ...(timeoutSeconds === undefined ? {} : { timeoutMs: timeoutSeconds * 1000 }),
    origin,
  });
  const at = (stages: readonly HookStage[], isWanted: (hook: AskedHook) => boolean): readonly Step[] =>
    stages.flatMap((stage) => asked.filter((hook) => hook.stage === stage && isWanted(hook))).map(toStep);
  const entering = steps.findIndex(({ step }) => step === 'enter');
  const built = steps.findLastIndex(({ step }) => step === 'enter' || step === 'namespaces') + 1;
  return {
    steps: [
      ...steps.slice(0, entering),
      { step: 'show-root', path: `${path}/rootfs` },
      ...at(whileBuilding, ({ isLate }) => isLate !== true),
      ...steps.slice(entering, built),
      ...at(whenBuilt, ({ stage, isLate }) => isLate === true || !whileBuilding.includes(stage)),
      ...steps.slice(built),
    ],
    bundle: { path, entries },
  };
}

/** The state, as text with a mark where the process id is to be. One that has stopped has none. */
function stateText(container: {
  readonly name: string;
  readonly status: string;
  readonly bundle: string;
  readonly annotations: Readonly<Record<string, string>>;
}): string {
  const { name, status, bundle, annotations } = container;
  const marked = (text: string): string =>
    JSON.stringify(text).replaceAll(JSON.stringify(pidMark).slice(1, -1), pidMark);
  const pid = status === 'stopped' ? '' : `,"pid":${pidMark}`;
  const rest = `"bundle":${JSON.stringify(bundle)},"annotations":${JSON.stringify(annotations)}`;
  return `{"ociVersion":"1.0.2","id":${marked(name)},"status":"${status}"${pid},${rest}}`;
}
