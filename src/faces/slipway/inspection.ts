// SPDX-License-Identifier: Apache-2.0
// What `slipway inspect` shows of any image.
import type { LayerDescriptor } from '../../image/index.ts';
import type { ImageConfig } from '../../model/index.ts';
import { formatLocalTime, formatSize } from '../terminal/units.ts';
import type { Field } from './fields.ts';
import { formatPlatform } from './platform.ts';

/** For people and for programs. */
export type Inspection = {
  readonly title: string;
  readonly fields: readonly Field[];
  readonly json: Readonly<Record<string, unknown>>;
};

/** What an image says about itself. */
export function configFields(config: ImageConfig): readonly Field[] {
  return [
    ['platform', formatPlatform(config.platform)],
    ['created', timeText(config.created)],
    ['user', config.user ?? ''],
    ['directory', config.workdir ?? ''],
    ['entrypoint', wordsText(config.entrypoint)],
    ['command', wordsText(config.cmd)],
    ['environment', config.env],
    ['labels', Object.entries(config.labels).map(([label, value]) => `${label}=${value}`)],
  ];
}

export function layerField(layers: readonly LayerDescriptor[]): Field {
  const bytes = layers.reduce((sum, layer) => sum + layer.sizeBytes, 0);
  return [
    `layers (${formatSize(bytes)} compressed)`,
    layers.map((layer) => `${formatSize(layer.sizeBytes).padStart(8)}  ${layer.digest}`),
  ];
}

/** What an image's maker wrote need not be a time. */
export function timeText(text: string | undefined): string {
  if (text === undefined) return '';
  const time = new Date(text);
  return Number.isNaN(time.getTime()) ? text : formatLocalTime(time);
}

/** Words as JSON, in which blanks and quotes can be told apart. */
function wordsText(words: readonly string[]): string {
  return words.length === 0 ? '' : JSON.stringify(words);
}
