// SPDX-License-Identifier: Apache-2.0
// A specification's text, YAML or JSON, to a CdiSpec. Checked by hand: a schema library would cost more time at the start
// of a program than all the rest.
import { isNode, LineCounter, parseDocument } from 'yaml';
import { hookStages, SlipwayError } from '../../model/index.ts';
import { isCdiDeviceName, isCdiKind } from './names.ts';
import {
  type CdiDevice,
  type CdiDeviceNode,
  type CdiEdits,
  type CdiHook,
  type CdiMount,
  type CdiSpec,
} from './spec.ts';

type Place = readonly (string | number)[];
/** Says what is wrong at a place of the document. */
type Refuse = (place: Place, reason: string) => never;

const versionPattern = /^v?(?:0\.[3-9]|1\.\d{1,3})\.\d{1,3}$/;
const maxItems = 10_000;

/**
 * Reads a specification.
 * @throws SlipwayError `cdi-spec-malformed`, with the line.
 */
export function parseCdiSpec(text: string, path: string): CdiSpec {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, logLevel: 'silent' });
  const [problem] = document.errors;
  if (problem !== undefined) {
    const { line } = lines.linePos(problem.pos[0]);
    throw new SlipwayError('cdi-spec-malformed', { path, line, reason: firstLine(problem.message) });
  }
  const lineOf = (place: Place): number => {
    for (let depth = place.length; depth >= 0; depth -= 1) {
      const node = document.getIn(place.slice(0, depth), true);
      if (isNode(node) && node.range) return lines.linePos(node.range[0]).line;
    }
    return 1;
  };
  const refuse: Refuse = (place, reason) => {
    const where = place.length === 0 ? '' : `${place.join('.')}: `;
    throw new SlipwayError('cdi-spec-malformed', { path, line: lineOf(place), reason: `${where}${reason}` });
  };
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 100 });
  } catch (cause) {
    throw new SlipwayError(
      'cdi-spec-malformed',
      { path, line: 1, reason: cause instanceof Error ? firstLine(cause.message) : 'it can not be read' },
      { cause },
    );
  }
  return readSpec(value, { path, refuse, lineOf });
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? '';
}

function readSpec(
  value: unknown,
  given: { readonly path: string; readonly refuse: Refuse; readonly lineOf: (place: Place) => number },
): CdiSpec {
  const { path, refuse, lineOf } = given;
  const root = objectAt(value, [], refuse);
  const version = textAt(root['cdiVersion'], ['cdiVersion'], refuse);
  if (!versionPattern.test(version)) refuse(['cdiVersion'], `"${version}" is not a version from 0.3.0 to 1.x`);
  const kind = textAt(root['kind'], ['kind'], refuse);
  if (!isCdiKind(kind)) refuse(['kind'], `"${kind}" is not of the form vendor.com/class`);
  const names = new Set<string>();
  const devices = listAt(root['devices'], ['devices'], refuse).map((item, index): CdiDevice => {
    const place = ['devices', index];
    const device = objectAt(item, place, refuse);
    const name = textAt(device['name'], [...place, 'name'], refuse);
    if (!isCdiDeviceName(name)) refuse([...place, 'name'], `"${name}" is no name of a device`);
    if (names.has(name)) refuse([...place, 'name'], `"${name}" is there twice`);
    names.add(name);
    return {
      name,
      edits: readEdits(device['containerEdits'], [...place, 'containerEdits'], refuse),
      line: lineOf(place),
    };
  });
  if (devices.length === 0) refuse(['devices'], 'it names no device');
  return { path, kind, edits: readEdits(root['containerEdits'], ['containerEdits'], refuse), devices };
}

function readEdits(value: unknown, place: Place, refuse: Refuse): CdiEdits {
  const edits = value === undefined ? {} : objectAt(value, place, refuse);
  const list = <T>(name: string, read: (item: unknown, at: Place) => T): readonly T[] =>
    listAt(edits[name], [...place, name], refuse).map((item, index) => read(item, [...place, name, index]));
  return {
    env: list('env', (item, at) => {
      const text = textAt(item, at, refuse);
      return text.indexOf('=') > 0 ? text : refuse(at, `"${text}" is not NAME=VALUE`);
    }),
    deviceNodes: list('deviceNodes', (item, at): CdiDeviceNode => {
      const node = objectAt(item, at, refuse);
      const path = pathAt(node['path'], [...at, 'path'], refuse);
      return {
        path,
        hostPath: node['hostPath'] === undefined ? path : pathAt(node['hostPath'], [...at, 'hostPath'], refuse),
      };
    }),
    mounts: list('mounts', (item, at): CdiMount => {
      const mount = objectAt(item, at, refuse);
      return {
        hostPath: textAt(mount['hostPath'], [...at, 'hostPath'], refuse),
        containerPath: pathAt(mount['containerPath'], [...at, 'containerPath'], refuse),
        options: textsAt(mount['options'], [...at, 'options'], refuse),
        type: mount['type'] === undefined ? '' : textAt(mount['type'], [...at, 'type'], refuse),
      };
    }),
    hooks: list('hooks', (item, at) => readHook(item, at, refuse)),
    additionalGids: list('additionalGids', (item, at) =>
      Number.isInteger(item) && Number(item) > 0 && Number(item) < 2 ** 32
        ? Number(item)
        : refuse(at, 'it is no group id'),
    ),
  };
}

function readHook(value: unknown, place: Place, refuse: Refuse): CdiHook {
  const hook = objectAt(value, place, refuse);
  const name = textAt(hook['hookName'], [...place, 'hookName'], refuse);
  const hookName = hookStages.find((known) => known === name);
  const timeout = hook['timeout'];
  if (timeout !== undefined && !(Number.isInteger(timeout) && Number(timeout) > 0)) {
    refuse([...place, 'timeout'], 'it is no number of seconds');
  }
  return {
    hookName: hookName ?? refuse([...place, 'hookName'], `"${name}" is none of ${hookStages.join(', ')}`),
    path: pathAt(hook['path'], [...place, 'path'], refuse),
    args: textsAt(hook['args'], [...place, 'args'], refuse),
    env: textsAt(hook['env'], [...place, 'env'], refuse),
    ...(timeout === undefined ? {} : { timeoutSeconds: Number(timeout) }),
  };
}

function objectAt(value: unknown, place: Place, refuse: Refuse): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : refuse(place, value === undefined ? 'it is missing' : 'it is not a mapping');
}

function listAt(value: unknown, place: Place, refuse: Refuse): readonly unknown[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) return refuse(place, 'it is not a list');
  return value.length <= maxItems ? value : refuse(place, `it has more than ${maxItems} items`);
}

function textsAt(value: unknown, place: Place, refuse: Refuse): readonly string[] {
  return listAt(value, place, refuse).map((item, index) => textAt(item, [...place, index], refuse));
}

function textAt(value: unknown, place: Place, refuse: Refuse): string {
  if (typeof value !== 'string') return refuse(place, value === undefined ? 'it is missing' : 'it is not text');
  return value.includes('\0') ? refuse(place, 'it has a NUL') : value;
}

/** An absolute path whose components lead only downwards. */
function pathAt(value: unknown, place: Place, refuse: Refuse): string {
  const path = textAt(value, place, refuse);
  if (!path.startsWith('/')) return refuse(place, `"${path}" is no absolute path`);
  return path.split('/').includes('..') ? refuse(place, `"${path}" leads upwards`) : path;
}
