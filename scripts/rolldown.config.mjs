// SPDX-License-Identifier: Apache-2.0
// Two bundles: the planner, which ranks wait for (CommonJS: Node starts a tenth faster without its module loader), and
// all the rest, a chunk for each command. Which Slipway this is comes from the environment.
const define = {
  __SLIPWAY_BUILD__: JSON.stringify({
    version: process.env.SLIPWAY_VERSION,
    id: process.env.SLIPWAY_BUILD,
  }),
};
const common = { platform: 'node', transform: { define } };

// oxlint-disable-next-line import/no-default-export -- the form that rolldown wants
export default [
  {
    ...common,
    // Beside the program itself what runs in a thread of its own.
    input: { 'main': 'src/main.ts', 'lz4-thread': 'src/image/squashfs/lz4-thread.ts' },
    output: {
      dir: 'build/lib',
      // Messages of ch-run name a place in the source.
      sourcemap: 'hidden',
      format: 'esm',
      entryFileNames: '[name].mjs',
      chunkFileNames: '[name]-[hash].mjs',
    },
  },
  {
    ...common,
    input: { planner: 'src/planner.ts' },
    output: {
      dir: 'build/lib',
      // Messages of ch-run name a place in the source.
      sourcemap: 'hidden',
      format: 'cjs',
      entryFileNames: '[name].cjs',
      chunkFileNames: 'planner-[name]-[hash].cjs',
      // What the planner needs at once is one file. Left alone, each part of it that a later chunk uses too becomes a file
      // of its own, which every rank pays for.
      codeSplitting: { groups: [{ name: 'first', tags: ['$initial'] }] },
    },
  },
];
