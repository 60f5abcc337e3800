// SPDX-License-Identifier: Apache-2.0
// One chunk for what every start needs, the rest by command. Which Slipway this is comes from the environment.
export default {
  input: { main: 'src/main.ts' },
  platform: 'node',
  transform: {
    define: {
      __SLIPWAY_BUILD__: JSON.stringify({
        version: process.env.SLIPWAY_VERSION,
        id: process.env.SLIPWAY_BUILD,
      }),
    },
  },
  output: {
    dir: 'build/lib',
    format: 'esm',
    entryFileNames: '[name].mjs',
    chunkFileNames: '[name]-[hash].mjs',
    minify: false,
  },
};
