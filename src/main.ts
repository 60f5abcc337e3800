// SPDX-License-Identifier: Apache-2.0
// Where the launcher enters for all that ends in no program of a container.
import { readEntry } from './entry.ts';

const entry = readEntry(process.argv.slice(2));
const { main } = await import('./faces/slipway/main.ts');
const { processEnvironment } = await import('./faces/terminal/process-environment.ts');
process.exitCode = await main(entry.words.slice(1), processEnvironment());
