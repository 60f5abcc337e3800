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
  --once-more    files on real components that failed, at most three, run again alone: a machine that was too busy
                 is not a defect. What failed the first time is named as unsteady
  --verbose      every test's name and output, not only the failed ones
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
const results = new Map(await runFiles(files, Number(options.jobs)));
const unsteady = options['once-more'] ? await runOnceMore(results) : [];
const leaks = await leaksSince(before);
for (const leak of leaks) print(`LEFT BEHIND ${leak}`);

const tally = { passed: 0, failed: leaks.length > 0 ? 1 : 0, skipped: 0 };
const skipReasons = new Map<string, number>();
print('');
for (const [file, result] of results) {
  tally.passed += result.passed;
  tally.failed += result.failures.length;
  tally.skipped += result.skips.length;
  for (const name of result.failures) print(`failed: ${file}: ${name}`);
  for (const reason of result.skips) skipReasons.set(reason, (skipReasons.get(reason) ?? 0) + 1);
}
for (const name of unsteady) print(`unsteady: ${name}`);
for (const [reason, count] of skipReasons) print(`skipped ${count}: ${reason}`);
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
        'help': { type: 'boolean', default: false },
        'only': { type: 'string' },
        'jobs': { type: 'string', default: '2' },
        'once-more': { type: 'boolean', default: false },
        'large': { type: 'boolean', default: false },
        'verbose': { type: 'boolean', default: false },
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

type Options = {
  readonly 'only'?: string;
  readonly 'jobs': string;
  readonly 'once-more': boolean;
  readonly 'large': boolean;
  readonly 'verbose': boolean;
};

/** How a file went: the names of what failed, the reasons of what was skipped. */
type FileResult = { passed: number; readonly failures: string[]; readonly skips: string[] };

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

/** Replaces the results of end-to-end files that failed by those of a second run; what failed only once comes back. */
async function runOnceMore(all: Map<string, FileResult>): Promise<readonly string[]> {
  const failed = [...all].filter(([, { failures }]) => failures.length > 0);
  // More than a few is no accident, and a unit test has nothing to wait for.
  if (failed.length === 0 || failed.length > 3 || failed.some(([file]) => !file.startsWith('test/'))) return [];
  print(`== once more: ${failed.map(([file]) => file).join(' ')}`);
  const again = await runFiles(
    failed.map(([file]) => file),
    1,
  );
  for (const [file, result] of again) all.set(file, result);
  return failed.flatMap(([file, { failures }]) =>
    failures.filter((name) => !again.get(file)?.failures.includes(name)).map((name) => `${file}: ${name}`),
  );
}

/** The results by the files' paths, relative to the root. */
async function runFiles(paths: readonly string[], concurrency: number): Promise<ReadonlyMap<string, FileResult>> {
  const stream = run({
    files: paths.map((path) => resolve(root, path)),
    cwd: root,
    concurrency,
    // A file's whole time: a hang ends here instead of at the patience of whoever waits.
    timeout: 15 * 60_000,
    ...(options.only === undefined ? {} : { testNamePatterns: [new RegExp(options.only)] }),
  });
  const output = new Map<string, string[]>();
  const all = new Map<string, FileResult>();
  const resultOf = (file: string): FileResult => {
    const path = relative(root, file);
    const known = all.get(path) ?? { passed: 0, failures: [], skips: [] };
    all.set(path, known);
    return known;
  };
  const fail = (file: string, name: string, detail: string): void => {
    resultOf(file).failures.push(name);
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
          resultOf(file).skips.push(reason);
        }
      } else if (data.name === data.file) {
        // Node reports a file without any test as one passed test with the file's name.
        fail(file, 'the file holds no test', '');
      } else if (data.details.type !== 'suite') {
        resultOf(file).passed += 1;
        if (options.verbose) print(`  ok ${'  '.repeat(data.nesting)}${data.name}`);
      }
    } else if (type === 'test:fail') {
      const { error } = data.details;
      const isEcho = 'failureType' in error && error.failureType === 'subtestsFailed';
      const name = data.name === data.file ? 'the file did not run to its end' : data.name;
      if (!isEcho) fail(file, name, inspect(error.cause ?? error, { colors: false }));
    } else if (type === 'test:summary' && data.file !== undefined) {
      const { passed, failures, skips } = resultOf(file);
      const parts = [
        `${passed} passed`,
        ...(failures.length > 0 ? [`${failures.length} FAILED`] : []),
        ...(skips.length > 0 ? [`${skips.length} skipped`] : []),
      ];
      print(`${relative(root, file)}: ${parts.join(', ')} (${(data.duration_ms / 1000).toFixed(1)} s)`);
      output.delete(file);
    }
  }
  return all;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
