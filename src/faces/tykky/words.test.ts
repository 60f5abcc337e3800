// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import { optionTableFaults } from '../../formats/getopt/index.ts';
import { fakeEnvironment } from '../terminal/testing/fake-environment.ts';
import { askedConfiguration } from './asked.ts';
import { tykkyCommands, type TykkyProgram } from './commands.ts';
import { mainOf } from './main.ts';
import { readWords } from './read-words.ts';

const home = mkdtempSync(join(tmpdir(), 'slipway-tykky-'));
after(() => rmSync(home, { recursive: true }));
writeFileSync(join(home, 'env.yaml'), 'dependencies: []\n');
writeFileSync(join(home, 'req.txt'), 'six\n');

async function say(
  program: TykkyProgram,
  ...argv: readonly string[]
): Promise<{ readonly status: number; readonly stdout: string; readonly stderr: string }> {
  const environment = fakeEnvironment({ variables: { PATH: `/usr/bin:${home}/p/bin` } });
  const status = await mainOf(program)(argv, environment);
  return { status, stdout: environment.stdout.text(), stderr: environment.stderr.text() };
}

suite('the words of Tykky’s commands', () => {
  test('no option is there twice', () => {
    for (const { forms } of Object.values(tykkyCommands)) {
      for (const form of forms) assert.deepEqual(optionTableFaults(form.options), []);
    }
  });

  test('help: without words, and with -h at every level, on standard output', async () => {
    for (const argv of [[], ['-h'], ['--help'], ['new', '-h'], ['update', '--help'], ['new', 'x', '--he']]) {
      const { status, stdout, stderr } = await say('conda-containerize', ...argv);
      assert.deepEqual([status, stderr], [0, ''], argv.join(' '));
      assert.match(stdout, /^usage: conda-containerize/);
      assert.match(stdout, /show this help message and exit/);
    }
    assert.match((await say('wrap-install')).stdout, /--mask/);
  });

  test('faults: usage and one line on standard error, status 2', async () => {
    const cases: readonly (readonly [TykkyProgram, readonly string[], RegExp])[] = [
      ['conda-containerize', ['other'], /invalid choice: 'other' \(choose from 'new', 'update'\)/],
      ['conda-containerize', ['new'], /the following arguments are required: env_file/],
      ['pip-containerize', ['new', '--uv', '--slim', 'r'], /--slim: not allowed with argument --uv/],
      ['pip-containerize', ['new', '--no-such', 'r'], /no-such/],
      ['pip-containerize', ['new', '--pre', 'x', 'r'], /ambiguous/],
      ['wrap-install', ['a', 'b', '-w', 'bin'], /unrecognized arguments: b/],
    ];
    for (const [program, argv, expected] of cases) {
      const { status, stdout, stderr } = await say(program, ...argv);
      assert.deepEqual([status, stdout], [2, ''], argv.join(' '));
      assert.match(stderr, /^usage: /);
      assert.match(stderr, new RegExp(`${program}.*: error: `));
      assert.match(stderr, expected);
    }
  });

  test('what is not there: one line on standard output, status 1', async () => {
    const cases: readonly (readonly [TykkyProgram, readonly string[], string])[] = [
      ['conda-containerize', ['new', 'no.yaml'], '[ ERROR ] Env file no.yaml does not exist '],
      ['conda-containerize', ['new', '--post', 'no.sh', 'env.yaml'], '[ ERROR ] The file no.sh does not exist! '],
      ['pip-containerize', ['new', 'no.txt'], '[ ERROR ] The file no.txt does not exist! '],
      [
        'pip-containerize',
        ['update', 'no'],
        '[ ERROR ] Directory no does not exist or is not a valid installation ( missing share/conf.yaml ) ',
      ],
      ['wrap-install', [home], '[ ERROR ] Tool wrap-install requires -w/--wrapper-paths to be used '],
    ];
    for (const [program, argv, expected] of cases) {
      const { status, stdout, stderr } = await say(program, ...argv);
      assert.deepEqual([status, stdout, stderr], [1, `${expected}\n`, '']);
    }
  });

  test('an installation on PATH is in the way of a new one', async () => {
    mkdirSync(join(home, 'p/bin'), { recursive: true });
    mkdirSync(join(home, 'p/_bin'));
    writeFileSync(join(home, 'p/common.sh'), '');
    const { status, stdout } = await say('pip-containerize', 'new', join(home, 'req.txt'));
    assert.equal(status, 1);
    assert.ok(stdout.includes(`Remove [${home}/p/bin] from PATH before running the tool`));
    rmSync(join(home, 'p'), { recursive: true });
  });

  test('what is asked for, by Tykky’s keys', () => {
    const keys = (program: TykkyProgram, ...argv: readonly string[]): Record<string, unknown> => {
      const words = readWords(program, argv);
      assert.equal(words.kind, 'order');
      return words.kind === 'order' ? askedConfiguration(program, words, '/w') : {};
    };
    assert.deepEqual(keys('pip-containerize', 'new', '--slim', '--pyver=3.12', '--nocache', 'r.txt', '--prefix', 'p'), {
      installation_prefix: '/w/p',
      pipcache: 'no',
      update_installation: 'no',
      mode: 'venv',
      requirements_file: '/w/r.txt',
      isolate: 'yes',
      container_src: 'docker://python:3.12-slim',
      pyver: '3.12',
    });
    assert.deepEqual(keys('conda-containerize', 'update', '-wa,b', '-r', 'r.txt', '--environ', 'e', 'dir'), {
      wrapper_paths: ['a', 'b'],
      extra_envs: [{ file: '/w/e' }],
      requirements_file: '/w/r.txt',
      update_installation: 'yes',
      mode: 'conda',
      add_ld: 'no',
    });
    assert.equal(keys('wrap-container', '-w', '/x', 'debian:12')['wrap_src'], 'debian:12');
    assert.equal(keys('wrap-container', '-w', '/x', './a.sif')['wrap_src'], '/w/a.sif');
    assert.equal(keys('wrap-install', '--mask', '-w', 'bin', 'prog')['mask_wrap_install'], 'yes');
  });
});
