// SPDX-License-Identifier: Apache-2.0
// The forms of the answers, as JSON Schema, for /openapi.json.
import { imageStatuses } from '../records/types.ts';

const text = { type: 'string' } as const;
const number = { type: 'number' } as const;
const truth = { type: 'boolean' } as const;
const texts = { type: 'array', items: text } as const;
const ids = { type: 'array', items: { type: 'integer' } } as const;
const orNull = (schema: { readonly type: string }): object => {
  return { ...schema, type: [schema.type, 'null'] };
};
/** What a record does not have is this word. */
const orMissing = (schema: object): object => ({ anyOf: [schema, { const: 'MISSING' }] });
const all = (properties: Readonly<Record<string, object>>): object => {
  return { type: 'object', properties, required: Object.keys(properties) };
};
const one = (name: string): object => ({ $ref: `#/components/schemas/${name}` });

const image = all({
  id: orMissing(text),
  system: text,
  itype: text,
  tag: texts,
  status: {
    enum: ['INIT', ...imageStatuses],
  },
  userACL: orNull(ids),
  groupACL: orNull(ids),
  ENV: orMissing(texts),
  ENTRY: orMissing(texts),
  WORKDIR: orMissing(text),
  LABELS: orMissing({ type: 'object', additionalProperties: text }),
  last_pull: orMissing({ ...number, description: 'seconds since 1970, always with a point or an exponent' }),
  status_message: orMissing(text),
});

const amount = { doneBytes: number, totalBytes: number };
const pull = all({
  job: orNull(text),
  itype: text,
  tag: text,
  status: text,
  message: orNull(text),
  progress: {
    anyOf: [all({ ...amount, layers: { type: 'array', items: all({ digest: text, ...amount }) } }), { type: 'null' }],
  },
  requester: text,
  requested: orNull(number),
  attempts: { type: 'integer' },
});

const overviewImage = all({
  id: text,
  itype: text,
  tags: texts,
  isPrivate: orNull(truth),
  userAcl: ids,
  groupAcl: ids,
  lastPull: orNull(number),
  expiration: orNull(number),
  sizeBytes: orNull(number),
  isMine: truth,
});

export type AnswerName =
  | 'image'
  | 'pull'
  | 'overviewImage'
  | 'list'
  | 'queue'
  | 'metrics'
  | 'pulls'
  | 'overview'
  | 'outcome'
  | 'expired'
  | 'link'
  | 'health'
  | 'ready'
  | 'refusal';

export const answerSchemas: Readonly<Record<AnswerName, object>> = {
  image,
  pull,
  overviewImage,
  list: all({ list: { type: 'array', items: one('image') } }),
  queue: all({ list: { type: 'array', items: all({ status: text, image: text }) } }),
  metrics: {
    type: 'array',
    items: all({ user: text, uid: number, system: text, type: text, tag: text, id: text, time: number }),
  },
  pulls: all({ pulls: { type: 'array', items: one('pull') } }),
  overview: all({
    system: text,
    isAdmin: truth,
    time: number,
    images: { type: 'array', items: one('overviewImage') },
    pulls: { type: 'array', items: one('pull') },
  }),
  outcome: {
    type: 'object',
    properties: {
      status: { ...orNull(truth), description: 'true: done; null: there is nothing of this name; false: not allowed' },
      reason: text,
    },
    required: ['status'],
  },
  expired: all({
    status: { anyOf: [texts, { const: false }], description: 'ids of the images, or false: not allowed' },
  }),
  link: all({ url: text, seconds: number }),
  health: all({ status: text, version: text }),
  ready: all({ status: text }),
  refusal: {
    type: 'object',
    properties: {
      status: { type: 'integer' },
      error: text,
      message: text,
      reason: text,
      request: { ...text, description: 'names the request in the log' },
    },
    required: ['status', 'error', 'message', 'request'],
  },
};
