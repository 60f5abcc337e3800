// SPDX-License-Identifier: Apache-2.0
// The tags of a repository (distribution-spec, "Listing Tags"), page by page.
import { parseJson, SlipwayError } from '../../model/index.ts';
import { readBounded } from './answers.ts';
import { type RegistrySession, unexpectedAnswer } from './session.ts';

const maxPageBytes = 4 * 1024 * 1024;
const maxPages = 100;
const pageLength = 1000;
const maxTags = 50_000;
const suggestions = 8;
const suggestionTimeoutMs = 10_000;
const tagPattern = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;

/**
 * All tags, in the registry's order, up to 50,000; `no-repository` where it has no such repository.
 * @throws SlipwayError `registry-*`
 */
export async function listTags(
  session: RegistrySession,
  signal: AbortSignal,
): Promise<readonly string[] | 'no-repository'> {
  const tags: string[] = [];
  let path: string | undefined = `tags/list?n=${pageLength}`;
  for (let page = 0; path !== undefined && page < maxPages && tags.length < maxTags; page++) {
    const answer: TagPage | 'no-repository' = await fetchPage(session, path, signal);
    if (answer === 'no-repository') return answer;
    tags.push(...answer.tags);
    path = answer.next === path ? undefined : answer.next;
  }
  return tags.slice(0, maxTags);
}

/** A few tags that resemble `wanted`, for a hint: empty when they can't be had soon. */
export async function suggestTags(
  session: RegistrySession,
  wanted: string,
  signal: AbortSignal,
): Promise<readonly string[] | 'no-repository'> {
  let page: TagPage | 'no-repository';
  try {
    const soon = AbortSignal.any([signal, AbortSignal.timeout(suggestionTimeoutMs)]);
    page = await fetchPage(session, `tags/list?n=${pageLength}`, soon);
  } catch {
    signal.throwIfAborted();
    return [];
  }
  if (page === 'no-repository') return page;
  const closeness = (tag: string): number => {
    let length = 0;
    while (length < tag.length && tag[length] === wanted[length]) length++;
    return length;
  };
  return page.tags.toSorted((left, right) => closeness(right) - closeness(left)).slice(0, suggestions);
}

type TagPage = { readonly tags: readonly string[]; readonly next: string | undefined };

async function fetchPage(
  session: RegistrySession,
  path: string,
  signal: AbortSignal,
): Promise<TagPage | 'no-repository'> {
  const { registry, repository } = session.reference;
  const task = `list the tags of ${registry}/${repository}`;
  return await session.get({ path, task }, signal, async (response) => {
    if (response.status === 404) {
      response.body.destroy();
      return 'no-repository';
    }
    if (response.status !== 200) throw await unexpectedAnswer(response, task, registry);
    const bytes = await readBounded(response.body, maxPageBytes);
    const tags = bytes === undefined ? undefined : parseTagList(bytes.toString('utf8'));
    if (tags === undefined) {
      throw new SlipwayError('registry-error', {
        task,
        registry,
        reason: 'answered with something that is no list of tags',
      });
    }
    return { tags, next: parseNextPage(response.header('link')) };
  });
}

/** The well-formed tags in an answer; undefined when it is no list of tags. */
export function parseTagList(text: string): readonly string[] | undefined {
  const document = parseJson(text);
  if (typeof document !== 'object' || document === null || !('tags' in document)) return undefined;
  // Go writes an empty list as null.
  const { tags } = document;
  if (tags === null) return [];
  if (!Array.isArray(tags)) return undefined;
  return tags.filter((tag): tag is string => typeof tag === 'string' && tagPattern.test(tag));
}

/**
 * The next page as a path of this repository, from Link headers (RFC 8288) with `rel="next"`. Only the query is taken:
 * a registry behind a proxy may not know its own address, and nothing may lead us to another repository or host.
 */
export function parseNextPage(links: readonly string[]): string | undefined {
  for (const line of links) {
    const target = /<([^<>]*)>\s*;\s*(?:[^,<]*;\s*)?rel\s*=\s*"?next"?/i.exec(line)?.[1];
    const url = target === undefined ? null : URL.parse(target, 'https://registry.invalid/');
    if (url !== null && url.search !== '') return `tags/list${url.search}`;
  }
  return undefined;
}
