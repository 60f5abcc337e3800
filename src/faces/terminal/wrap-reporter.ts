// SPDX-License-Identifier: Apache-2.0
// Shows how wrapping goes on, in the words of whichever family was asked: what is said, what installers say, how far what
// takes long is, and the pull of an image.
import type { WrapEvent } from '../../wrap/index.ts';
import type { FaceEnvironment } from './environment.ts';
import { printable } from './printable.ts';
import { createPullReporter, type PullReporter } from './pull-reporter.ts';
import { formatCount, formatSize } from './units.ts';
import { createWorkProgress } from './work-progress.ts';

/** How a family says things. */
export type WrapVoice = {
  /** May have several lines; not yet safe for a terminal. */
  readonly say: (kind: 'info' | 'debug' | 'warning', text: string) => void;
  /** What an installer says, safe for a terminal, with its own line ends. */
  readonly pass: (text: string, stream: 'stdout' | 'stderr') => void;
  /** No sign of life, and of a pull only warnings. */
  readonly isQuiet: boolean;
};

export type WrapReporter = {
  readonly emit: (event: WrapEvent) => void;
  /** Says something of the face's own. */
  readonly makeWay: () => void;
  /** Ends the showing, whether the work succeeded or not. */
  readonly close: () => void;
};

export function createWrapReporter(environment: FaceEnvironment, voice: WrapVoice): WrapReporter {
  const progress = createWorkProgress(environment, (text) => {
    if (!voice.isQuiet) voice.say('info', text);
  });
  let pull: PullReporter | undefined;
  const endPull = (): void => {
    pull?.close();
    pull = undefined;
  };
  const say: WrapVoice['say'] = (kind, text) => {
    progress.makeWay();
    voice.say(kind, text);
  };
  const begin = (what: string | undefined): void => progress.begin(voice.isQuiet ? undefined : what);
  return {
    makeWay: () => progress.makeWay(),
    close: () => {
      endPull();
      progress.close();
    },
    emit: (event) => {
      if (event.type !== 'pull') endPull();
      switch (event.type) {
        case 'info':
        case 'debug':
        case 'warning':
          return say(event.type, event.text);
        case 'build-directory':
          return say('info', `Using ${event.path} as temporary directory`);
        case 'stage':
          say('info', event.text);
          return begin(event.text);
        case 'output':
          progress.makeWay(event.text.endsWith('\n'));
          return voice.pass(printableLines(event.text), event.stream);
        case 'pull':
          begin(undefined);
          pull ??= createPullReporter(environment, voice.isQuiet ? 'quiet' : 'people');
          return pull.emit(event.event);
        case 'image-progress': {
          const files = event.files === undefined ? '' : `${formatCount(event.files, 'file')}, `;
          const howFar = `${files}${formatSize(event.contentBytes)}`;
          progress.note(howFar);
          return say('debug', howFar);
        }
        case 'image-written': {
          begin(undefined);
          const { files, contentBytes, sizeBytes } = event;
          const what = `${formatCount(files, 'file')}, ${formatSize(contentBytes)}`;
          return say('info', `${what}, became one of ${formatSize(sizeBytes)}`);
        }
        default:
          throw new Error(`unknown event ${String(event satisfies never)}`);
      }
    },
  };
}

/** What an installer says, with its own line ends and tabs. */
function printableLines(text: string): string {
  return text
    .split(/(\r?\n|[\r\t])/)
    .map((part, index) => (index % 2 === 1 ? part : printable(part)))
    .join('');
}
