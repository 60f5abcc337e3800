// SPDX-License-Identifier: Apache-2.0
// What the launcher says when it starts Node: `--launcher=PATH --run-dir=DIR [--plan-fd=N] -- FACE ARGUMENT…`.

export type Entry = {
  /** The program that started this one: PREFIX/bin/slipway. */
  readonly launcher: string;
  readonly runDirectory: string;
  readonly planDescriptor: number | undefined;
  readonly words: readonly string[];
};

export function readEntry(argv: readonly string[]): Entry {
  const end = argv.indexOf('--');
  const given = (name: string): string | undefined =>
    argv
      .slice(0, Math.max(end, 0))
      .find((word) => word.startsWith(`--${name}=`))
      ?.slice(name.length + 3);
  const descriptor = given('plan-fd');
  return {
    launcher: given('launcher') ?? '',
    runDirectory: given('run-dir') ?? '',
    planDescriptor: descriptor === undefined ? undefined : Number(descriptor),
    words: argv.slice(end + 1),
  };
}
