// SPDX-License-Identifier: Apache-2.0
// What a registry's answer says: bodies read up to a bound, and errors as people should see them
// (distribution-spec, "Error Codes").
import type { Readable } from 'node:stream';
import { parseJson } from '../../model/index.ts';
import { shown } from '../../formats/oci/index.ts';
import type { HttpResponse } from '../../sys/http.ts';

const maxErrorBytes = 64 * 1024;
const maxErrors = 3;

/** A registry's own account of a failure. */
export type RegistryComplaint = {
  /** The specification's codes, e.g. `MANIFEST_UNKNOWN`. */
  readonly codes: readonly string[];
  /** Fit to follow a message: `: text`, or empty. */
  readonly detail: string;
};

/** Reads a body to its end; undefined when it is longer than `maxBytes`. The rest of a longer one is not read. */
export async function readBounded(body: Readable, maxBytes: number): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  // Leaving the loop destroys the stream, and with it the connection.
  for await (const chunk of body as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > maxBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, length);
}

/** Reads a small body and forgets it, so that the connection can be used again; a large one costs the connection. */
export async function discardBody(response: HttpResponse): Promise<void> {
  try {
    await readBounded(response.body, maxErrorBytes);
  } catch {
    // Nobody wanted these bytes.
  }
}

/** What the body of an answer with an error status says; empty where it can't be read or says nothing. */
export async function readComplaint(response: HttpResponse): Promise<RegistryComplaint> {
  let bytes: Buffer | undefined;
  try {
    bytes = await readBounded(response.body, maxErrorBytes);
  } catch {
    return { codes: [], detail: '' };
  }
  return parseComplaint(bytes?.toString('utf8') ?? '', response.header('content-type')[0] ?? '');
}

/** As `readComplaint`, of text that was read. Never throws. */
export function parseComplaint(text: string, contentType: string): RegistryComplaint {
  const errors = errorsOf(text);
  if (errors === undefined) {
    const isPlain = contentType.startsWith('text/plain') && text.trim() !== '';
    return { codes: [], detail: isPlain ? `: ${shown(text.trim(), 300)}` : '' };
  }
  const codes = errors.flatMap((error) => (typeof error.code === 'string' ? [shown(error.code, 60)] : []));
  const texts = errors.flatMap(({ code, message }) => {
    const said = [message, code].find((part) => typeof part === 'string' && part.trim() !== '');
    return typeof said === 'string' ? [shown(said.trim(), 300)] : [];
  });
  return { codes, detail: texts.length === 0 ? '' : `: ${texts.join('; ')}` };
}

function errorsOf(text: string): readonly { readonly code?: unknown; readonly message?: unknown }[] | undefined {
  const document = parseJson(text);
  if (typeof document !== 'object' || document === null) return undefined;
  if ('errors' in document && Array.isArray(document.errors)) {
    return (document.errors as readonly unknown[])
      .slice(0, maxErrors)
      .filter((error): error is object => typeof error === 'object' && error !== null);
  }
  // Token servers and some registries say it in their own way.
  if ('details' in document) return [{ message: document.details }];
  if ('message' in document) return [{ message: document.message }];
  if ('error_description' in document) return [{ message: document.error_description }];
  return undefined;
}
