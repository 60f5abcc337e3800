// SPDX-License-Identifier: Apache-2.0
// The `slipway` face from source, without launcher and bundle, for end-to-end tests of its subcommands.
import { main } from '../../src/faces/slipway/main.ts';
import { processEnvironment } from '../../src/faces/terminal/process-environment.ts';

process.exitCode = await main(process.argv.slice(2), processEnvironment(''));
