// SPDX-License-Identifier: Apache-2.0
// Two programs in two languages share this encoding: what is written here is read back by the launcher's own code.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { after, suite, test } from 'node:test';
import * as fc from 'fast-check';
import { hookStages, type Plan, type Step, type TraceEntry } from '../model/index.ts';
import { compileLauncherReader, readerBuild } from '../../test/support/launcher-reader.ts';
import { encodePlan, maxCoveredWords, maxPlanBytes, operations, plan, planFileName } from './index.ts';
import { planInput, text } from './testing/example-run.ts';

const header = readFileSync(resolve(import.meta.dirname, '../../native/launcher/plan.h'), 'utf8');
const tableRows = [...header.matchAll(/^ {2}X\(([A-Z_]+), (-?\d+), (-?\d+), (-?\d+)\)/gm)].map(([, name = '']) => name);

test('the table of operations is the launcher’s', () => {
  assert.ok(tableRows.length > 30);
  assert.deepEqual([...operations], tableRows);
});

test('the limits are the launcher’s', () => {
  const constant = (name: string): string | undefined => new RegExp(`^#define ${name} (.*)$`, 'm').exec(header)?.[1];
  assert.equal(constant('COVER_MAX'), String(maxCoveredWords));
  assert.equal(constant('PLAN_MAX'), '(1u << 20)');
  assert.equal(maxPlanBytes, 1 << 20);
});

const stamp = fc.record({
  dev: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  ino: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  mode: fc.bigInt({ min: 0n, max: 0xffffn }),
  sizeBytes: fc.bigInt({ min: 0n, max: 2n ** 62n }),
  // Before 1970 as well.
  mtimeNs: fc.bigInt({ min: -(2n ** 62n), max: 2n ** 62n }),
  ctimeNs: fc.bigInt({ min: -(2n ** 62n), max: 2n ** 62n }),
});
const traceEntry: fc.Arbitrary<TraceEntry> = fc.oneof(
  fc.record({
    read: fc.constant('identity'),
    uid: fc.nat(),
    gid: fc.nat(),
    groups: fc.array(fc.nat(), { maxLength: 4 }),
  }),
  fc.record({ read: fc.constant('environment'), name: text, value: fc.option(text, { nil: undefined }) }),
  fc.record({ read: fc.constantFrom('file', 'link'), path: text, stamp }),
  fc.record({ read: fc.constant('kind'), path: text, format: fc.nat({ max: 0o170000 }), follows: fc.boolean() }),
  fc.record({ read: fc.constantFrom('absent', 'cwd'), path: text }),
);
/** Plans as they come out of plan(), with any trace and any command line. */
const plans: fc.Arbitrary<Plan> = fc
  .record({
    input: planInput,
    words: fc.array(text, { minLength: 1, maxLength: 5 }),
    isExact: fc.boolean(),
    trace: fc.array(traceEntry, { maxLength: 6 }),
    maxAgeMs: fc.option(fc.nat(), { nil: undefined }),
    style: fc.constantFrom('slipway', 'charliecloud', 'charliecloud-verbose'),
  })
  .map(({ input, words, isExact, trace, maxAgeMs, style }) => ({
    ...plan(input.request, input.given).plan,
    style,
    covers: { words, isExact },
    trace,
    ...(maxAgeMs === undefined ? {} : { maxAgeMs }),
  }));

const reader = compileLauncherReader();

suite('what the launcher reads of an encoded plan', { skip: reader === undefined && 'install: no C compiler' }, () => {
  if (reader === undefined) return;
  after(() => reader.close());
  const sample = fc.sample(plans, { numRuns: 300, seed: 7 });
  const encode = (one: Plan): Buffer => encodePlan(one, readerBuild, 1_700_000_000_000_000_000n);

  test('is a plan, every time, found under the name that the planner gave it', () => {
    const answers = reader.read(sample.map(encode));
    assert.equal(answers.length, sample.length);
    for (const [index, one] of sample.entries()) {
      const answer = answers[index];
      assert.ok(
        answer?.ok,
        JSON.stringify([answer, one], (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value)),
      );
      assert.equal(answer.fileName, planFileName(one.covers));
      assert.equal(
        answer.header,
        `125 127 126 ${['slipway', 'charliecloud', 'charliecloud-verbose'].indexOf(one.style)} ${BigInt(one.maxAgeMs ?? 0) * 1_000_000n}`,
      );
      assert.equal(answer.records.length, 2 + one.trace.length + one.steps.length);
    }
  });

  test('has the words, paths and numbers of the plan', () => {
    for (const [index, answer] of reader.read(sample.map(encode)).entries()) {
      const one = sample[index]!;
      assert.ok(answer.ok);
      const json = (words: readonly string[]): string => words.map((word) => ` ${launcherJson(word)}`).join('');
      assert.equal(answer.records[0], `COVER ${one.covers.isExact ? 1 : 0}${json(one.covers.words)}`);
      assert.equal(answer.records[1], `SUBJECT${json([one.subject])}`);
      for (const [at, entry] of one.trace.entries()) assert.equal(answer.records[2 + at], tracedLine(entry));
      for (const [at, step] of one.steps.entries()) {
        const line = answer.records[2 + one.trace.length + at] ?? '';
        for (const word of wordsOf(step)) assert.ok(line.includes(launcherJson(word)), `${line} lacks ${word}`);
        for (const number of numbersOf(step)) assert.ok(line.includes(` ${number}`), `${line} lacks ${number}`);
      }
      assert.match(answer.records.at(-1) ?? '', /^EXEC/);
    }
  });

  test('is nothing at all once a bit has changed, or the end is missing', () => {
    const random = fc.sample(fc.tuple(fc.nat(), fc.nat()), { numRuns: 3000, seed: 11 });
    const damaged = random.map(([which, where], index) => {
      const bytes = Buffer.from(encode(sample[which % 40]!));
      if (index % 4 === 0) return bytes.subarray(0, where % bytes.length);
      // All but the time of its making is covered by the checksum; the header's own fields are checked one by one.
      const bit = where % (bytes.length * 8);
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      return bytes;
    });
    for (const [index, answer] of reader.read(damaged).entries()) {
      assert.equal(answer.ok, false, `damage ${index} went unnoticed`);
    }
  });

  test('has the bits of the kernel’s and the launcher’s own headers', () => {
    const constants = reader.constants();
    const numbers = (step: Step): readonly string[] => {
      const steps: Step[] = [
        { step: 'namespaces', namespaces: ['user'], uid: 0, gid: 0, origin: '' },
        { step: 'root-host' },
        ...(step.step === 'bind' ? [step] : []),
        { step: 'enter' },
        ...(step.step === 'bind' ? [] : [step]),
        { step: 'exec', argv: [] },
      ];
      const bytes = encode({ ...sample[0]!, trace: [], steps });
      const [answer] = reader.read([bytes]);
      assert.ok(answer?.ok, JSON.stringify(answer));
      const name = { bind: 'BIND', namespaces: 'NAMESPACES', limit: 'LIMIT' }[step.step as 'bind'];
      return (answer.records.findLast((line) => line.startsWith(`${name} `)) ?? '').split(' ').slice(1);
    };
    for (const [flag, constant] of [
      ['recursive', 'RECURSIVE'],
      ['readOnly', 'READ_ONLY'],
      ['optional', 'OPTIONAL'],
      ['create', 'CREATE'],
      ['nosuid', 'NOSUID'],
      ['nodev', 'NODEV'],
      ['noexec', 'NOEXEC'],
    ] as const) {
      const bind: Step = { step: 'bind', source: '/a', target: '/b', flags: { [flag]: true }, origin: '' };
      assert.equal(numbers(bind)[0], String(constants[constant]), flag);
    }
    for (const namespace of ['mount', 'pid', 'ipc', 'uts', 'net', 'user'] as const) {
      const step: Step = { step: 'namespaces', namespaces: [namespace], uid: 1, gid: 2, origin: '' };
      assert.deepEqual(numbers(step).slice(0, 3), [String(constants[namespace]), '1', '2'], namespace);
    }
    const limits = [
      'as',
      'core',
      'cpu',
      'data',
      'fsize',
      'locks',
      'memlock',
      'msgqueue',
      'nice',
      'nofile',
      'nproc',
      'rss',
      'rtprio',
      'rttime',
      'sigpending',
      'stack',
    ] as const;
    for (const resource of limits) {
      const step: Step = { step: 'limit', resource, soft: 1, hard: 'none', origin: '' };
      assert.deepEqual(numbers(step), [String(constants[resource]), '1', '18446744073709551615'], resource);
    }
  });
});

test('the same plan has the same bytes', () => {
  fc.assert(
    fc.property(plans, (one) => {
      assert.deepEqual(encodePlan(structuredClone(one), readerBuild, 5n), encodePlan(one, readerBuild, 5n));
    }),
    { numRuns: 100 },
  );
});

test('what the launcher would refuse is not written', () => {
  const [one] = fc.sample(plans, { numRuns: 1, seed: 3 });
  assert.ok(one !== undefined);
  const large = { ...one, covers: { words: ['slipway', 'x'.repeat(maxPlanBytes)], isExact: true } };
  assert.throws(() => encodePlan(large, readerBuild, 0n), RangeError);
  const wordy = { ...one, covers: { words: Array.from({ length: maxCoveredWords + 1 }, () => 'x'), isExact: true } };
  assert.throws(() => encodePlan(wordy, readerBuild, 0n), RangeError);
  const split = { ...one, covers: { words: ['slipway', 'a\0b'], isExact: true } };
  assert.throws(() => encodePlan(split, readerBuild, 0n), RangeError);
});

/** A string in the reader's notation: JSON's, with text outside ASCII as it is. */
function launcherJson(word: string): string {
  const escaped = word
    .replaceAll(/["\\]/g, '\\$&')
    .replaceAll(/[\x01-\x1f\x7f]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
  return `"${escaped}"`;
}

function tracedLine(entry: TraceEntry): string {
  switch (entry.read) {
    case 'identity':
      return ['IDENTITY', entry.uid, entry.gid, ...entry.groups].join(' ');
    case 'environment':
      return entry.value === undefined
        ? `LACK_ENV ${launcherJson(entry.name)}`
        : `HAVE_ENV ${launcherJson(entry.name)} ${launcherJson(entry.value)}`;
    case 'file':
    case 'link': {
      const { dev, ino, mode, sizeBytes, mtimeNs, ctimeNs } = entry.stamp;
      const unsigned = [mtimeNs, ctimeNs].map((time) => (time < 0n ? time + 2n ** 64n : time));
      const numbers = [dev, ino, mode, sizeBytes, ...unsigned].join(' ');
      return `${entry.read === 'file' ? 'HAVE_FILE' : 'HAVE_LINK'} ${numbers} ${launcherJson(entry.path)}`;
    }
    case 'kind':
      return `HAVE_KIND ${entry.format} ${entry.follows ? 1 : 0} ${launcherJson(entry.path)}`;
    case 'absent':
      return `LACK_FILE ${launcherJson(entry.path)}`;
    case 'cwd':
      return `HAVE_CWD ${launcherJson(entry.path)}`;
  }
}

/** The texts of a step that must be in its record. */
function wordsOf(step: Step): readonly string[] {
  switch (step.step) {
    case 'root-directory':
      return [step.path, step.origin];
    case 'root-squashfuse':
      return [step.image, step.server, step.origin];
    case 'squashfuse':
      return [step.image, step.server, step.target, step.origin];
    case 'activate':
      return [step.unlessSet, step.throughVenvIfSet];
    case 'exec-namesake':
      return [step.directory, step.builtIn, ...step.starter];
    case 'overlay':
      return 'directory' in step.on ? [step.on.directory] : 'layer' in step.on ? [step.on.layer] : [];
    case 'root-squashfs':
      return [step.image, step.origin];
    case 'leave-at':
    case 'show-root':
      return [step.path];
    case 'hook':
      return [step.state, step.directory, step.path, ...step.args, ...step.env, step.origin];
    case 'bind':
    case 'device':
      return [step.source, step.target, step.origin];
    case 'tmpfs':
      return [step.target, step.origin];
    case 'hold':
      return [step.key, ...step.scope];
    case 'hold-when':
      return step.anySet;
    case 'exec':
      return step.argv;
    case 'environment':
      return Object.entries(step.edit).flatMap(([key, value]) =>
        key === 'edit' || key === 'matcher' ? [] : value,
      ) as string[];
    case 'chdir':
      return [step.path];
    case 'activated':
    case 'discard':
    case 'capabilities':
    case 'descriptors':
    case 'end':
    case 'enter':
    case 'held':
    case 'join':
    case 'limit':
    case 'namespaces':
    case 'no-new-privileges':
    case 'proc':
    case 'root-bundle':
    case 'root-host':
    case 'root-read-only':
    case 'seccomp':
    case 'umask':
      return [];
  }
}

function numbersOf(step: Step): readonly (number | bigint)[] {
  switch (step.step) {
    case 'namespaces':
      return [step.uid, step.gid].map((id) => (id === 'own' ? 0xffff_ffff : id));
    case 'hold':
      return [step.lingerMs === 'for-ever' ? 2n ** 64n - 1n : step.lingerMs];
    case 'overlay':
      return ['directory' in step.on ? 0 : 'layer' in step.on ? 2n ** 64n - 1n : step.on.tmpfsBytes];
    case 'tmpfs':
      return [step.sizeBytes, step.mode];
    case 'umask':
      return [step.mask];
    case 'join':
      return [step.pid];
    case 'seccomp':
      return step.program;
    case 'discard':
      return step.descriptors;
    case 'hook':
      return [hookStages.indexOf(step.stage), step.timeoutMs ?? 0, step.args.length];
    case 'show-root':
    case 'activate':
    case 'activated':
    case 'bind':
    case 'capabilities':
    case 'chdir':
    case 'descriptors':
    case 'device':
    case 'end':
    case 'enter':
    case 'environment':
    case 'exec':
    case 'exec-namesake':
    case 'held':
    case 'hold-when':
    case 'limit':
    case 'leave-at':
    case 'no-new-privileges':
    case 'proc':
    case 'root-squashfs':
    case 'root-bundle':
    case 'root-directory':
    case 'root-host':
    case 'root-read-only':
    case 'root-squashfuse':
    case 'squashfuse':
      return [];
  }
}
