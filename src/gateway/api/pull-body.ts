// SPDX-License-Identifier: Apache-2.0
// The bodies of pull and doimport: JSON whatever the request's Content-Type says, and none at all means `{}`.
import { isAbsolute } from 'node:path';
import * as z from 'zod';
import { Refusal, type Session } from '../auth/session.ts';
import type { PullRequest } from './pull-decision.ts';

const idList: z.ZodString = z
  .string()
  .regex(/^\s*\d{1,10}\s*(?:,\s*\d{1,10}\s*)*$/, 'it has to be numbers separated by commas')
  .max(12_000);

export const pullBody: z.ZodObject<{
  allowed_uids: z.ZodOptional<typeof idList>;
  allowed_gids: z.ZodOptional<typeof idList>;
}> = z.object({ allowed_uids: idList.optional(), allowed_gids: idList.optional() });

export const importBody: z.ZodObject<{ filepath: z.ZodString; format: z.ZodString }> = z.object({
  filepath: z
    .string()
    .max(4096)
    .refine((path) => isAbsolute(path) && !/[\0-\u001F]/.test(path), 'it has to be an absolute path'),
  format: z.string().regex(/^squashfs$/, 'only squashfs can be imported'),
});

/** @throws Refusal for what is no JSON or not of this form */
export function readBody<Schema extends z.ZodType>(schema: Schema, body: unknown): z.infer<Schema> {
  const text = typeof body === 'string' ? body : '';
  let value: unknown;
  try {
    value = text.trim() === '' ? {} : JSON.parse(text);
  } catch (error) {
    throw new Refusal('None', { reason: 'the body is no JSON', cause: error });
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new Refusal('None', {
    reason: `${issue?.path.join('.') ?? 'the body'}: ${issue?.message ?? 'it is malformed'}`,
  });
}

/** Who is to have access: whom the caller names and the caller; nobody named, nobody kept out. */
export function requestedAccess(body: z.infer<typeof pullBody>, session: Session): PullRequest {
  const ids = (text: string | undefined, own: number): readonly number[] =>
    text === undefined ? [] : [...new Set([...text.split(',').map(Number), own])];
  return { userAcl: ids(body.allowed_uids, session.uid), groupAcl: ids(body.allowed_gids, session.gid) };
}
