// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { type HookRequest, hookStages, pidMark, type RunRequest } from '../model/index.ts';
import { ociConfig, plan } from './index.ts';
import { exampleHost, exampleImage, exampleRequest, exampleSite } from './testing/example-run.ts';

const given = { image: exampleImage, host: exampleHost, site: exampleSite };
const hook = (stage: HookRequest['stage'], more: Partial<HookRequest> = {}): HookRequest => ({
  stage,
  path: `/hooks/${stage}`,
  args: [stage],
  env: ['A=b'],
  ...more,
});
const withHooks = (hooks: readonly HookRequest[], more: Partial<RunRequest> = {}): RunRequest => ({
  ...exampleRequest,
  adaptations: [{ origin: 'a file', mounts: [], environment: [], hooks }],
  ...more,
});

suite('hooks in a plan', () => {
  test('stand in the order of the container’s life, and nothing is shared', () => {
    const late = hook('createRuntime', { path: '/hooks/late', isLate: true });
    const { steps } = plan(withHooks([late, ...hookStages.toReversed().map((stage) => hook(stage))]), given).plan;
    const order = steps.flatMap((step) => (step.step === 'hook' ? [step.path] : [step.step]));
    const own = order.filter((name) => name.startsWith('/hooks/') || name === 'enter' || name === 'show-root');
    assert.deepEqual(own, [
      'show-root',
      '/hooks/prestart',
      '/hooks/createRuntime',
      '/hooks/createContainer',
      'enter',
      '/hooks/startContainer',
      '/hooks/late',
      '/hooks/poststart',
      '/hooks/poststop',
    ]);
    assert.ok(!order.includes('hold'));
    // A hook that mounts needs to be root of the namespace that the container is built in.
    const [first] = steps;
    assert.ok(first?.step === 'namespaces' && first.uid === 0);
  });

  test('are told of a bundle that is made for them, whatever is in names and annotations', () => {
    const identity = { name: `n"${pidMark}`, annotations: { 'a\u0001': '"\n' }, environment: { HOST: 'h' } };
    const { plan: made, skeletons } = plan(withHooks([hook('poststop'), hook('prestart')], { identity }), given);
    const states = made.steps.flatMap((step) => (step.step === 'hook' ? [step.state] : []));
    const [creating, stopped] = states.map((text) => JSON.parse(text.replaceAll(pidMark, '42')) as object);
    const bundle = skeletons.find(({ entries }) => entries.some(({ path }) => path === 'config.json'));
    const { annotations } = identity;
    const common = { ociVersion: '1.0.2', id: 'n"42', bundle: bundle?.path, annotations };
    assert.deepEqual(creating, { ...common, status: 'creating', pid: 42 });
    assert.deepEqual(stopped, { ...common, status: 'stopped' });
    const file = bundle?.entries.find(({ path }) => path === 'config.json');
    const config = JSON.parse(file?.kind === 'file' ? (file.content ?? '') : '') as {
      readonly process: { readonly env: readonly string[] };
    };
    assert.ok(config.process.env.includes('HOST=h'));
  });

  test('are a runtime’s business in a bundle that is written down', () => {
    const hooks = [hook('createContainer', { timeoutSeconds: 5 }), hook('poststop', { args: [] })];
    const { plan: made } = plan(withHooks(hooks), given);
    const config = ociConfig(made, {
      root: 'rootfs',
      environment: {},
      cwd: '/',
      uid: 1000,
      gid: 100,
      words: [],
      isThere: () => true,
      isScaffold: () => false,
    });
    assert.deepEqual((config as { readonly hooks: object }).hooks, {
      createContainer: [{ path: '/hooks/createContainer', args: ['createContainer'], env: ['A=b'], timeout: 5 }],
      poststop: [{ path: '/hooks/poststop', args: ['/hooks/poststop'], env: ['A=b'] }],
    });
  });

  test('are refused where the container is another’s', () => {
    const request = withHooks([hook('prestart')], { joining: { kind: 'tag', tag: 't' } });
    assert.throws(() => plan(request, given), { code: 'hook-joined' });
  });
});
