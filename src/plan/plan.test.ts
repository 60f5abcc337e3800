// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { hasCode, type RunRequest, type Step } from '../model/index.ts';
import { defaultPath, explainPlan, type ImageFacts, mountSources, mountTargets, plan } from './index.ts';
import {
  exampleHost,
  exampleImage,
  exampleRequest,
  exampleSite,
  type PlanInput,
  planInput,
} from './testing/example-run.ts';

type Changes = {
  readonly request?: Partial<RunRequest>;
  readonly image?: Partial<ImageFacts>;
  readonly host?: Partial<typeof exampleHost>;
};
const stepsOf = ({ request = {}, image = {}, host = {} }: Changes = {}): readonly Step[] =>
  plan(
    { ...exampleRequest, ...request },
    { image: { ...exampleImage, ...image }, host: { ...exampleHost, ...host }, site: exampleSite },
  ).plan.steps;
const kinds = (steps: readonly Step[]): readonly string[] => steps.map(({ step }) => step);
const find = <Kind extends Step['step']>(
  steps: readonly Step[],
  kind: Kind,
): Extract<Step, { step: Kind }> | undefined =>
  steps.find((step): step is Extract<Step, { step: Kind }> => step.step === kind);
const squashfs = { root: { kind: 'squashfs', path: '/images/a.squashfs' } } as const;
const config = (changes: Partial<ImageFacts['config']>): Partial<ImageFacts> => ({
  config: { ...exampleImage.config, ...changes },
});
const edits = (steps: readonly Step[]): readonly string[] =>
  steps.flatMap((step) => {
    if (step.step !== 'environment') return [];
    const { edit } = step;
    if (edit.edit === 'clear') return [`keep ${edit.keep.join(' ')}`];
    return ['glob' in edit ? `${edit.edit} ${edit.glob}` : `${edit.edit} ${edit.name}=${edit.value}`];
  });

suite('plan', () => {
  test('is pure: the same values give the same plan, and are left as they were', () => {
    fc.assert(
      fc.property(planInput, (input) => {
        // Clones, as the generator's objects have no prototype.
        const before = structuredClone(input);
        const frozen = deepFreeze(input);
        const first = plan(frozen.request, frozen.given);
        assert.deepEqual(plan(before.request, before.given), structuredClone(first));
        assert.deepEqual(structuredClone(input), before);
      }),
      { numRuns: 200 },
    );
  });

  test('names the targets and sources of all mounts beforehand', () => {
    fc.assert(
      fc.property(planInput, ({ request, given }) => {
        const targets = new Set(mountTargets(request, given.host));
        const sources = new Set(mountSources(request, given.host));
        for (const mount of request.adaptations.flatMap(({ mounts }) => mounts)) {
          assert.ok(targets.has(mount.target));
          if (mount.kind === 'bind') assert.ok(sources.has(mount.source));
        }
      }),
      { numRuns: 100 },
    );
  });

  test('builds before it enters, enters before the environment, and ends with the command', () => {
    fc.assert(
      fc.property(planInput, ({ request, given }) => {
        const names = kinds(plan(request, given).plan.steps);
        assert.equal(names.indexOf('exec'), names.length - 1);
        assert.ok(names.includes('no-new-privileges'));
        const environment = names.indexOf('environment');
        for (const name of ['bind', 'tmpfs', 'overlay', 'enter', 'namespaces', 'held', 'proc']) {
          assert.ok(names.lastIndexOf(name) < environment, name);
        }
        // The kernel takes a filter from an ordinary user only after no_new_privs.
        if (names.includes('seccomp')) assert.ok(names.indexOf('seccomp') > names.indexOf('no-new-privileges'));
      }),
      { numRuns: 200 },
    );
  });

  test('explains every step in words, with who asked for it', () => {
    fc.assert(
      fc.property(planInput, ({ request, given }) => {
        const made = plan(request, given).plan;
        const covers = { words: ['slipway', 'run', 'x'], isExact: false };
        const { steps } = explainPlan({ ...made, covers, trace: [] });
        assert.equal(steps.length, made.steps.length);
        for (const { text } of steps) assert.match(text, /\S/);
        for (const { origin, mounts } of request.adaptations) {
          if (mounts.length > 0 && request.joining.kind !== 'process') {
            assert.ok(
              steps.some((line) => line.origin === origin),
              origin,
            );
          }
        }
      }),
      { numRuns: 100 },
    );
  });
});

suite('what a container is made of', () => {
  test('a directory is the root itself, read-only, as the caller', () => {
    const steps = stepsOf();
    assert.deepEqual(find(steps, 'namespaces'), {
      step: 'namespaces',
      namespaces: ['user', 'mount'],
      uid: 1000,
      gid: 100,
      origin: 'default',
    });
    assert.deepEqual(find(steps, 'root-directory')?.flags, {
      readOnly: true,
      nosuid: true,
      nodev: true,
      recursive: true,
    });
    assert.equal(find(steps, 'overlay'), undefined);
  });

  test('a squashfs is mounted as root of a namespace, and run as the caller in another', () => {
    const ids = (steps: readonly Step[]): readonly string[] =>
      steps.flatMap((step) =>
        step.step === 'namespaces' ? [`${step.uid}:${step.gid}`] : step.step === 'enter' ? ['enter'] : [],
      );
    assert.deepEqual(ids(stepsOf({ image: squashfs })), ['0:0', 'enter', '1000:100']);
    assert.deepEqual(ids(stepsOf({ image: squashfs, request: { uid: 0, gid: 0 } })), ['0:0', 'enter']);
    assert.deepEqual(ids(stepsOf({ image: squashfs, request: { uid: 7, gid: 8 } })), ['0:0', 'enter', '7:8']);
    assert.deepEqual(ids(stepsOf({ request: { uid: 7 } })), ['7:100', 'enter']);
  });

  test('without squashfuse a squashfs is refused, a directory is not', () => {
    assert.throws(
      () => stepsOf({ image: squashfs, host: { squashfuse: undefined } }),
      (error) => hasCode(error, 'squashfuse-missing'),
    );
    stepsOf({ host: { squashfuse: undefined } });
  });

  test('what may be written goes to memory or a directory, and then nothing is scaffolded or shared', () => {
    for (const [writable, on] of [
      [{ kind: 'tmpfs', sizeBytes: 5 }, { tmpfsBytes: 5 }],
      [{ kind: 'directory', path: '/d' }, { directory: '/d' }],
    ] as const) {
      for (const image of [{}, squashfs]) {
        const steps = stepsOf({
          request: { writable, joining: { kind: 'all' } },
          image: { ...image, kinds: new Map() },
        });
        assert.deepEqual(
          steps.filter(({ step }) => step === 'overlay').map((step) => 'on' in step && step.on),
          [on],
        );
        for (const name of ['hold', 'held', 'root-read-only']) assert.ok(!kinds(steps).includes(name), name);
      }
    }
  });

  test('files for the container are named by their content', () => {
    const made = (changes: Partial<typeof exampleHost>): readonly string[] =>
      plan(exampleRequest, {
        image: exampleImage,
        host: { ...exampleHost, ...changes },
        site: exampleSite,
      }).generated.map(({ path }) => path);
    assert.deepEqual(made({}), made({}));
    assert.notEqual(made({ userName: 'bob' })[0], made({})[0]);
    assert.equal(made({ userName: 'bob' })[1], made({})[1]);
  });
});

suite('who shares a container', () => {
  const keyOf = (changes: Changes): string | undefined => find(stepsOf(changes), 'hold')?.key;

  test('all of a squashfs; of a directory the ranks of a step', () => {
    assert.ok(kinds(stepsOf({ image: squashfs })).includes('hold'));
    assert.ok(!kinds(stepsOf({ image: squashfs })).includes('hold-when'));
    assert.deepEqual(kinds(stepsOf()).slice(0, 3), ['namespaces', 'hold-when', 'hold']);
    assert.deepEqual(kinds(stepsOf({ request: { joining: { kind: 'all' } } })).slice(0, 2), ['namespaces', 'hold']);
  });

  test('as long as the same stands at the sources of its mounts; a tag is for whoever gives it', () => {
    const scopeOf = (request: Partial<RunRequest>): readonly string[] =>
      find(stepsOf({ image: squashfs, request }), 'hold')?.scope ?? [];
    assert.ok(scopeOf({}).includes('@sources'));
    assert.ok(scopeOf({ joining: { kind: 'all' } }).includes('@sources'));
    assert.ok(!scopeOf({ joining: { kind: 'tag', tag: 't' } }).includes('@sources'));
    assert.ok(scopeOf({ joining: { kind: 'tag', tag: 't' } }).includes('SLURM_STEP_ID'));
  });

  test('nobody, a process’s, or all of one tag, where that is asked for', () => {
    for (const image of [{}, squashfs]) {
      assert.equal(keyOf({ image, request: { joining: { kind: 'nobody' } } }), undefined);
      const joined = stepsOf({ image, request: { joining: { kind: 'process', pid: 77 } } });
      assert.deepEqual(
        kinds(joined).filter((name) => /root|namespaces|join|bind/.test(name)),
        ['join'],
      );
      const tagged = (tag: string, subject = 'a'): string | undefined =>
        keyOf({ image: { ...image, subject }, request: { joining: { kind: 'tag', tag } } });
      assert.equal(tagged('t'), tagged('t', 'b'));
      assert.notEqual(tagged('t'), tagged('u'));
    }
  });

  test('only what makes the container tells two apart: not the command, the environment, the working directory', () => {
    const key = keyOf({ image: squashfs });
    for (const request of [
      { hasCommand: true, entrypoint: ['x'] },
      { workdir: '/w' },
      { adaptations: [{ origin: 'o', mounts: [], environment: [{ edit: 'set', name: 'A', value: '1' }] }] },
      { isolation: { ...exampleRequest.isolation, umask: 0o22 } },
    ] as const) {
      assert.equal(keyOf({ image: squashfs, request }), key);
    }
    for (const changes of [
      { request: { uid: 5 } },
      { request: { home: false } },
      {
        request: {
          adaptations: [
            { origin: 'o', mounts: [{ kind: 'bind', source: '/a', target: '/tmp', flags: {} }], environment: [] },
          ],
        },
      },
      { image: { identity: 'sha256:2' } },
      { image: { passwd: 'other:x:5:5::/:/bin/sh\n' } },
      { host: { userName: 'bob' } },
    ] as const) {
      const image = 'image' in changes ? changes.image : {};
      assert.notEqual(keyOf({ ...changes, image: { ...squashfs, ...image } }), key, JSON.stringify(changes));
    }
  });

  test('private namespaces are each program’s own, on top of what is shared', () => {
    const isolation = { ...exampleRequest.isolation, namespaces: ['pid', 'ipc'], privateTmp: true } as const;
    const names = kinds(stepsOf({ image: squashfs, request: { isolation } }));
    const own = names.slice(names.indexOf('held') + 1, names.indexOf('environment'));
    assert.deepEqual(own, ['namespaces', 'root-host', 'proc', 'tmpfs', 'enter']);
  });
});

suite('which command is run', () => {
  const words = (changes: Changes): readonly string[] | undefined => find(stepsOf(changes), 'exec')?.argv;
  const image = config({ entrypoint: ['/entry'], cmd: ['a', 'b'] });

  test('the entry point, then the given words or else the image’s', () => {
    assert.deepEqual(words({ image, request: { hasCommand: false } }), ['/entry', 'a', 'b']);
    assert.deepEqual(words({ image, request: { hasCommand: true } }), ['/entry']);
    assert.deepEqual(words({ image: config({ cmd: ['a'] }), request: { hasCommand: false } }), ['a']);
    assert.deepEqual(words({ request: { hasCommand: true } }), []);
  });

  test('another entry point does not get the image’s words for its own', () => {
    assert.deepEqual(words({ image, request: { hasCommand: false, entrypoint: ['/mine'] } }), ['/mine']);
    assert.deepEqual(words({ image, request: { hasCommand: true, entrypoint: [] } }), []);
  });

  test('none at all is an error', () => {
    for (const request of [{ hasCommand: false }, { hasCommand: false, entrypoint: [] }]) {
      assert.throws(
        () => words({ request }),
        (error) => hasCode(error, 'no-command'),
      );
    }
  });
});

suite('where it is run', () => {
  const where = (changes: Changes): readonly string[] =>
    stepsOf(changes).flatMap((step) => (step.step === 'chdir' ? [`${step.how} ${step.path}`] : []));

  test('in --workdir and nowhere else', () => {
    assert.deepEqual(where({ request: { workdir: '/w' }, image: config({ workdir: '/i' }) }), ['must /w']);
  });

  test('in the image’s own, if it is there, else in the root', () => {
    assert.deepEqual(where({ image: config({ workdir: '/i' }) }), ['try /i', 'try /']);
  });

  test('else in the caller’s, below what is shown at its own place', () => {
    const mount = (source: string, target: string): RunRequest['adaptations'][number] => ({
      origin: '',
      mounts: [{ kind: 'bind', source, target, flags: {} }],
      environment: [],
    });
    const adaptations = [mount('/data', '/data'), mount('/x', '/y')];
    for (const workdir of [undefined, '', '/']) {
      const image = workdir === undefined ? {} : config({ workdir });
      const places = where({ image, request: { adaptations } });
      for (const path of ['/home/ann', '/tmp', '/data']) assert.ok(places.includes(`caller ${path}`), path);
      assert.ok(!places.some((place) => /\/[xy]$/.test(place)));
      assert.equal(places.at(-1), 'try /');
    }
    assert.ok(!where({ request: { home: false } }).includes('caller /home/ann'));
  });
});

suite('with which environment', () => {
  test('without the host’s loader variables, with a PATH, with the image’s variables', () => {
    const plain = edits(stepsOf());
    for (const name of ['LD_LIBRARY_PATH', 'LD_PRELOAD', 'LD_AUDIT']) assert.ok(plain.includes(`unset ${name}`));
    assert.ok(plain.includes(`set PATH=${defaultPath}`));
    assert.ok(plain.includes('set SLIPWAY_IMAGE=debian:12'));
    const full = edits(stepsOf({ image: config({ env: ['PATH=/p', 'A=b=c', 'EMPTY'] }) }));
    assert.ok(!full.includes(`set PATH=${defaultPath}`));
    for (const edit of ['set PATH=/p', 'set A=b=c', 'set EMPTY=']) assert.ok(full.includes(edit));
  });

  test('what was asked for comes last, in its order; clearing comes first, wherever it stands', () => {
    const adaptations = [
      { origin: 'one', mounts: [], environment: [{ edit: 'set', name: 'A', value: '1' }] },
      {
        origin: 'two',
        mounts: [],
        environment: [
          { edit: 'clear', keep: ['HOME'] },
          { edit: 'unset', glob: 'A*' },
        ],
      },
    ] as const;
    const all = edits(stepsOf({ request: { adaptations }, image: config({ env: ['A=0'] }) }));
    assert.equal(all[0], 'keep HOME');
    assert.deepEqual(all.slice(-2), ['set A=1', 'unset A*']);
    assert.ok(all.indexOf('set A=0') < all.indexOf('set A=1'));
  });

  test('TMPDIR only where it is shown, HOME where it is not', () => {
    const has = (host: Partial<typeof exampleHost>): boolean => edits(stepsOf({ host })).includes('unset TMPDIR');
    assert.equal(has({}), false);
    assert.equal(has({ temporaryDirectory: '/tmp/x' }), false);
    assert.equal(has({ temporaryDirectory: '/scratch' }), true);
    assert.equal(has({ temporaryDirectory: '/tmpfoo' }), true, 'by components, not by prefix');
    assert.ok(edits(stepsOf({ request: { home: false } })).includes('set HOME=/'));
    assert.ok(edits(stepsOf({ request: { home: false, uid: 0 } })).includes('set HOME=/root'));
    assert.ok(!edits(stepsOf()).some((edit) => edit.startsWith('set HOME')));
  });
});

function deepFreeze(value: PlanInput): PlanInput {
  const freeze = (one: unknown): void => {
    if (typeof one !== 'object' || one === null || one instanceof Map || Object.isFrozen(one)) return;
    Object.freeze(one);
    for (const member of Object.values(one)) freeze(member);
  };
  freeze(value);
  return value;
}
