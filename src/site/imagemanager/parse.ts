// SPDX-License-Identifier: Apache-2.0
// imagemanager.json to a GatewayConfig: the keys that Shifter's gateway reads, and a few of our own for what Shifter has in
// its start script (where to listen) or not at all. The same reader takes YAML.
import { isAbsolute } from 'node:path';
import { isMap, LineCounter, parseDocument } from 'yaml';
import { type Fields, fieldsOf } from './fields.ts';
import { readConverter } from './read-converter.ts';
import { readLocations } from './read-locations.ts';
import { readPlatforms } from './read-platforms.ts';
import type { ConfigProblem, GatewayConfig, GatewayLimits, ParsedConfig } from './types.ts';

const maxTextBytes = 4 * 1024 * 1024;
const day = 86_400;

/** As `parseGatewayConfig` of the folder's door. */
export function parseConfigText(text: string, directory: string): ParsedConfig {
  const problems: ConfigProblem[] = [];
  const fail = (line: number, reason: string): { readonly config: undefined; readonly problems: ConfigProblem[] } => {
    problems.push({ severity: 'error', line, key: '', text: reason });
    return { config: undefined, problems };
  };
  if (text.length > maxTextBytes) return fail(0, `it has more than ${maxTextBytes} bytes`);
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: false, prettyErrors: false });
  const [fault] = document.errors;
  if (fault !== undefined) return fail(lines.linePos(fault.pos[0]).line, describeFault(text, fault.message));
  if (!isMap(document.contents)) return fail(1, 'it has to be one object {…}');
  const fields = fieldsOf(document.contents, '', { lines, problems });
  const config = readTop(fields, directory);
  fields.finish();
  problems.sort((left, right) => left.line - right.line);
  return { config: problems.some(({ severity }) => severity === 'error') ? undefined : config, problems };
}

/** In the words of JSON, where it is meant to be that. */
function describeFault(text: string, ofYaml: string): string {
  try {
    if (text.trimStart().startsWith('{')) JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError)
      return `this is no JSON: ${error.message.replace(/ in JSON at position \d+/, '')}`;
  }
  return ofYaml.split('\n')[0] ?? '';
}

function readTop(fields: Fields, directory: string): GatewayConfig | undefined {
  const absolute = (path: string): string => (isAbsolute(path) ? path : `${directory}/${path}`);
  const locations = readLocations(fields, absolute);
  const platforms = readPlatforms(fields, absolute);
  const cacheDirectory = fields.text('CacheDirectory');
  const defaultLocation = fields.text('DefaultImageLocation');
  if (cacheDirectory === undefined)
    fields.problem('error', 'CacheDirectory', 'it is missing: where layers and images are made');
  if (defaultLocation === undefined)
    fields.problem('error', 'DefaultImageLocation', 'it is missing: one of the Locations');
  else if (!locations.has(defaultLocation)) {
    fields.problem(
      'error',
      'DefaultImageLocation',
      `${defaultLocation} is none of the Locations (${[...locations.keys()].join(', ')})`,
    );
  }
  const format = fields.text('DefaultImageFormat') ?? 'squashfs';
  if (format !== 'squashfs') {
    fields.problem('error', 'DefaultImageFormat', `no runtime can mount ${format}; only squashfs is made`);
  }
  if (fields.has('PullUpdateTime')) fields.ignore('PullUpdateTime', 'PullUpdateTimeout alone says it');
  for (const key of ['DefaultLustreReplication', 'DefaultOstCount']) {
    fields.ignore(key, "Shifter's gateway does nothing with it either: set the striping on the image directory");
  }
  const cache = absolute(cacheDirectory ?? '');
  const databaseUri = fields.text('DatabaseURI');
  const mongoUri = fields.text('MongoDBURI');
  if (databaseUri !== undefined && mongoUri !== undefined)
    fields.problem('warning', 'MongoDBURI', 'DatabaseURI counts');
  const listen = readListen(fields);
  const authentication = fields.text('Authentication') ?? 'munge';
  if (authentication !== 'munge' && authentication !== 'mock') {
    fields.problem('error', 'Authentication', `there is munge, not ${authentication}`);
  }
  const expandDirectory = fields.text('ExpandDirectory');
  const examiner = fields.text('examiner');
  if (examiner !== undefined && !isAbsolute(examiner)) {
    fields.problem('error', 'examiner', 'it has to be the absolute path of a program');
  }
  const certificate = fields.map('TLS');
  const tls = certificate === undefined ? undefined : readTls(certificate, absolute);
  const converter = readConverter(fields);
  const uri = databaseUri ?? mongoUri ?? `sqlite:${cache}/gateway.sqlite`;
  if (!/^(?:sqlite:|postgres(?:ql)?:\/\/|mongodb(?:\+srv)?:\/\/)/.test(uri)) {
    fields.problem(
      'error',
      databaseUri === undefined ? 'MongoDBURI' : 'DatabaseURI',
      'it begins with none of sqlite:, postgresql://, mongodb://',
    );
  }
  return {
    workerThreads: fields.integer('WorkerThreads', { min: 1, max: 64 }) ?? 1,
    logLevel: readLogLevel(fields),
    defaultLocation: defaultLocation ?? '',
    format: 'squashfs',
    pullUpdateTimeoutSec: fields.integer('PullUpdateTimeout', { min: 1, max: 365 * day }) ?? 300,
    imageExpirationSec: readExpiration(fields),
    databaseUri: uri.startsWith('sqlite:') ? `sqlite:${absolute(uri.slice('sqlite:'.length))}` : uri,
    databaseName: fields.text('MongoDB') ?? 'Shifter',
    cacheDirectory: cache,
    expandDirectory: absolute(expandDirectory ?? `${cache}/expand`),
    authentication: authentication === 'mock' ? 'mock' : 'munge',
    importUsers: readImportUsers(fields),
    keepsMetrics: fields.truth('Metrics') ?? true,
    ...converter,
    examiner,
    locations,
    platforms,
    listen,
    tls,
    publicUrl: fields.text('PublicURL')?.replace(/\/+$/, ''),
    stopTimeoutSec: fields.integer('StopTimeout', { min: 0, max: day }) ?? 600,
    convertedKeepSec: fields.integer('ConvertedImageLifetime', { min: 0, max: 365 * day }) ?? 3600,
    limits: readLimits(fields.map('Limits')),
  };
}

function readLogLevel(fields: Fields): GatewayConfig['logLevel'] {
  const text = fields.text('LogLevel')?.toLowerCase() ?? 'info';
  const level = { critical: 'fatal', warning: 'warn' }[text] ?? text;
  const levels = ['debug', 'info', 'warn', 'error', 'fatal'] as const;
  const known = levels.find((each) => each === level);
  if (known === undefined)
    fields.problem('warning', 'LogLevel', `${text} is none of debug, info, warn, error, critical`);
  return known ?? 'info';
}

/** `DD:HH:MM:SS`. */
function readExpiration(fields: Fields): number | undefined {
  const text = fields.text('ImageExpirationTimeout');
  if (text === undefined) return undefined;
  const parts = /^(\d{1,6}):(\d{1,6}):(\d{1,6}):(\d{1,6})$/.exec(text);
  if (parts === null) {
    fields.problem('error', 'ImageExpirationTimeout', `"${text}" is not DAYS:HOURS:MINUTES:SECONDS`);
    return undefined;
  }
  const [days = 0, hours = 0, minutes = 0, seconds = 0] = parts.slice(1).map(Number);
  return days * day + hours * 3600 + minutes * 60 + seconds;
}

function readImportUsers(fields: Fields): GatewayConfig['importUsers'] {
  const users = fields.texts('ImportUsers') ?? [];
  if (users.length === 1 && users[0] === 'all') return 'all';
  return users.filter((user) => user.toLowerCase() !== 'none');
}

function readListen(fields: Fields): GatewayConfig['listen'] {
  const text = fields.text('Listen');
  if (text === undefined) return { host: '0.0.0.0', port: 5000 };
  const parts = /^(?:(?<host>\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+):)?(?<port>\d{1,5})$/.exec(text)?.groups;
  const port = Number(parts?.['port'] ?? Number.NaN);
  if (!(port <= 65_535)) fields.problem('error', 'Listen', `"${text}" is not [ADDRESS:]PORT`);
  return { host: parts?.['host']?.replace(/^\[|\]$/g, '') ?? '0.0.0.0', port: port <= 65_535 ? port : 0 };
}

function readTls(fields: Fields, absolute: (path: string) => string): GatewayConfig['tls'] {
  const [certificatePath, keyPath] = [fields.text('certificate'), fields.text('key')];
  fields.finish();
  if (certificatePath === undefined || keyPath === undefined) {
    fields.problem(
      'error',
      certificatePath === undefined ? 'certificate' : 'key',
      'it is missing: the path of a PEM file',
    );
    return undefined;
  }
  return { certificatePath: absolute(certificatePath), keyPath: absolute(keyPath) };
}

function readLimits(fields: Fields | undefined): GatewayLimits {
  const read = (key: string, usual: number, max: number): number => fields?.integer(key, { min: 1, max }) ?? usual;
  const limits = {
    bodyBytes: read('bodyBytes', 65_536, 2 ** 24),
    requestsPerMinute: read('requestsPerMinute', 6000, 2 ** 31),
    connections: read('connections', 4096, 2 ** 20),
    pullsPerUser: read('pullsPerUser', 100, 2 ** 20),
  };
  fields?.finish();
  return limits;
}
