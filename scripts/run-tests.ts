// SPDX-License-Identifier: Apache-2.0
// Runs test files, says how each went, and closes with the plain line `N passed, N failed, N skipped`.
// A skip is tolerated only for what this machine can't be made to have: who runs as root on Debian could have
// installed the missing component, and there any other skip fails the run (test/support/needs.ts has the kinds).
import { existsSync, globSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import { run } from 'node:test';
import { inspect, parseArgs } from 'node:util';
import { leaksSince, takeLeakSnapshot } from '../test/support/leaks.ts';
import { canInstallPackages, isMachineReason } from '../test/support/needs.ts';

const usage = `usage: scripts/run-tests [options] [unit | e2e | all | FILE...]
  unit           the tests beside the source, src/**/*.test.ts
  e2e            the tests on real components, test/**/*.test.ts
  all            both (the default)
  --only REGEX   only tests whose names match
  --large        also what takes minutes and gigabytes
  --jobs N       test files at once (default 2)
  --verbose      every test's name and output, not only the failed ones'
`;

const root = resolve(import.meta.dirname, '..');
const globs: Readonly<Record<string, readonly string[]>> = {
  unit: ['src/**/*.test.ts', 'scripts/**/*.test.ts'],
  e2e: ['test/**/*.test.ts'],
  all: ['src/**/*.test.ts', 'scripts/**/*.test.ts', 'test/**/*.test.ts'],
};

const { values: options, positionals } = readArguments();
if (options.large) process.env['SLIPWAY_TEST_LARGE'] = '1';
const files = findFiles(positionals.length === 0 ? ['all'] : positionals);
const before = takeLeakSnapshot();
const tally = await runFiles(files);
const leaks = await leaksSince(before);
for (const leak of leaks) print(`LEFT BEHIND ${leak}`);
if (leaks.length > 0) tally.failed += 1;

print('');
for (const failure of tally.failures) print(`failed: ${failure}`);
for (const [reason, count] of tally.skipReasons) print(`skipped ${count}: ${reason}`);
if (tally.passed + tally.failed === 0) {
  print('no test ran');
  tally.failed = 1;
}
print(`${tally.passed} passed, ${tally.failed} failed, ${tally.skipped} skipped`);
process.exitCode = tally.failed === 0 ? 0 : 1;

function readArguments(): { readonly values: Options; readonly positionals: readonly string[] } {
  try {
    const { values, positionals } = parseArgs({
      options: {
        help: { type: 'boolean', default: false },
        only: { type: 'string' },
        jobs: { type: 'string', default: '2' },
        large: { type: 'boolean', default: false },
        verbose: { type: 'boolean', default: false },
      },
      allowPositionals: true,
    });
    if (!values.help) return { values, positionals };
    process.stdout.write(usage);
    return process.exit(0);
  } catch (error) {
    process.stderr.write(`run-tests: ${error instanceof Error ? error.message : String(error)}\n${usage}`);
    return process.exit(2);
  }
}

type Options = { readonly only?: string; readonly jobs: string; readonly large: boolean; readonly verbose: boolean };

type Tally = {
  passed: number;
  failed: number;
  skipped: number;
  readonly failures: string[];
  readonly skipReasons: Map<string, number>;
};

function findFiles(words: readonly string[]): readonly string[] {
  const found = words.flatMap((word) => {
    const patterns = globs[word];
    if (patterns !== undefined) return patterns.flatMap((pattern) => globSync(pattern, { cwd: root }));
    const path = relative(root, resolve(word));
    if (!existsSync(resolve(root, path))) {
      process.stderr.write(`run-tests: there is no file ${word}\n${usage}`);
      process.exit(2);
    }
    return path.endsWith('.test.ts') ? [path] : globSync(`${path}/**/*.test.ts`, { cwd: root });
  });
  return [...new Set(found)].toSorted();
}

async function runFiles(paths: readonly string[]): Promise<Tally> {
  const total: Tally = { passed: 0, failed: 0, skipped: 0, failures: [], skipReasons: new Map() };
  const stream = run({
    files: paths.map((path) => resolve(root, path)),
    cwd: root,
    concurrency: Number(options.jobs),
    // A file's whole time: a hang ends here instead of at the patience of whoever waits.
    timeout: 15 * 60_000,
    ...(options.only === undefined ? {} : { testNamePatterns: [new RegExp(options.only)] }),
  });
  const output = new Map<string, string[]>();
  const counts = new Map<string, { passed: number; failed: number; skipped: number }>();
  const countsOf = (file: string): { passed: number; failed: number; skipped: number } => {
    const known = counts.get(file) ?? { passed: 0, failed: 0, skipped: 0 };
    counts.set(file, known);
    return known;
  };
  const fail = (file: string, name: string, detail: string): void => {
    countsOf(file).failed += 1;
    total.failures.push(`${relative(root, file)}: ${name}`);
    print(`FAIL ${relative(root, file)}: ${name}\n${detail.replaceAll(/^/gm, '     ')}`);
    for (const line of output.get(file) ?? []) process.stdout.write(line);
    output.delete(file);
  };

  for await (const { type, data } of stream) {
    const file = 'file' in data && typeof data.file === 'string' ? data.file : '';
    if (type === 'test:stdout' || type === 'test:stderr') {
      if (options.verbose) process.stdout.write(data.message);
      else output.set(file, [...(output.get(file) ?? []).slice(-500), data.message]);
    } else if (type === 'test:pass') {
      if (data.skip !== undefined && data.skip !== false) {
        const reason = typeof data.skip === 'string' && data.skip !== '' ? data.skip : 'no reason given';
        if (canInstallPackages() && !isMachineReason(reason)) {
          fail(file, data.name, `skipped where nothing need be missing: ${reason}`);
        } else {
          countsOf(file).skipped += 1;
          total.skipReasons.set(reason, (total.skipReasons.get(reason) ?? 0) + 1);
        }
      } else if (data.name === data.file) {
        // Node reports a file without any test as one passed test with the file's name.
        fail(file, 'the file holds no test', '');
      } else if (data.details.type !== 'suite') {
        countsOf(file).passed += 1;
        if (options.verbose) print(`  ok ${'  '.repeat(data.nesting)}${data.name}`);
      }
    } else if (type === 'test:fail') {
      const { error } = data.details;
      const isEcho = 'failureType' in error && error.failureType === 'subtestsFailed';
      const name = data.name === data.file ? 'the file did not run to its end' : data.name;
      if (!isEcho) fail(file, name, inspect(error.cause ?? error, { colors: false }));
    } else if (type === 'test:summary' && data.file !== undefined) {
      const { passed, failed, skipped } = countsOf(file);
      const parts = [
        `${passed} passed`,
        ...(failed ? [`${failed} FAILED`] : []),
        ...(skipped ? [`${skipped} skipped`] : []),
      ];
      print(`${relative(root, file)}: ${parts.join(', ')} (${(data.duration_ms / 1000).toFixed(1)} s)`);
      output.delete(file);
    }
  }
  for (const count of counts.values()) {
    total.passed += count.passed;
    total.failed += count.failed;
    total.skipped += count.skipped;
  }
  return total;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
