// SPDX-License-Identifier: Apache-2.0
// `shifter-job EVENT …`: what Slurm's plugin asks at each event of a job. Nobody types it. The answer is an exit status
// and lines `WORD NAME=VALUE` (native/spank/shifter_slurm.c says what the words mean).
import type { FaceEnvironment } from '../../terminal/environment.ts';
import { supervise } from '../../terminal/supervise.ts';
import { answerText } from './answer.ts';
import { parseJobWords } from './words.ts';

/** Answers one event. Never rejects: failures go to stderr, which Slurm shows to the submitter or logs. */
export async function main(argv: readonly string[], environment: FaceEnvironment): Promise<number> {
  return await supervise('shifter', environment, async (signal) => {
    const words = parseJobWords(argv);
    switch (words.event) {
      case 'submit': {
        const { submit } = await import('./submit.ts');
        environment.stdout.write(answerText(await submit(words, environment, signal)));
        return 0;
      }
      case 'prolog': {
        const { prolog } = await import('./prolog.ts');
        await prolog(words, environment, signal);
        return 0;
      }
      case 'epilog': {
        const { epilog } = await import('./epilog.ts');
        await epilog(words, environment, signal);
        return 0;
      }
      case 'step': {
        const { rootOfStep } = await import('./step.ts');
        environment.stdout.write(answerText([await rootOfStep(words)]));
        return 0;
      }
      case 'extern': {
        const { beginExtern } = await import('./step.ts');
        await beginExtern(words, signal);
        return 0;
      }
      default:
        return words.event satisfies never;
    }
  });
}
