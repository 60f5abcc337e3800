// SPDX-License-Identifier: Apache-2.0
// An image by its name: from the places that the rules about registries give it, its mirrors before its own.
import {
  describeError,
  formatImageReference,
  noRegistryRules,
  placesOf,
  type RegistryRules,
  SlipwayError,
  type Trust,
} from '../../model/index.ts';
import { systemClock } from '../../sys/clock.ts';
import { askTrust, requirementsFor, signedDigests } from '../trust/index.ts';
import type { LayerDescriptor } from '../types.ts';
import { firstOf } from './artifacts.ts';
import { createPlaceSource, type PlaceOptions, type RegistrySource } from './place-source.ts';

export type RegistrySourceOptions = PlaceOptions & {
  /** Mirrors, blocks and what is insecure; no rules unless given. */
  readonly rules?: RegistryRules;
  /** What is asked of the image; nothing unless given. `resolve` rejects where it is not met, so before any layer. */
  readonly trust?: Trust;
};

/** How often a mirror is asked before the next place is. */
const mirrorAttempts = 2;

/**
 * The image that `reference` names, for one platform. Nothing is sent before `resolve`, `openBlob` or `listTags`.
 * Where there are mirrors, the first place that knows the image gives it; a blob that it does not give comes from one of
 * those after it, which can be no other blob, as its digest is checked.
 *
 * Refusals by code: `registry-blocked`; `registry-unreachable`, `registry-not-https`, `registry-untrusted`,
 * `registry-denied`, `registry-rate-limited`, `registry-error`; `repository-unknown`, `manifest-unknown`, `blob-unknown`;
 * `foreign-layer-refused`; `platform-missing`, `manifest-unsupported`, `manifest-malformed`, `digest-mismatch`;
 * `certificates-unreadable`, and those of `credentials`; of trust: `trust-rejected`, `signature-missing`, `key-unusable`,
 * `gpgv-missing`.
 * A body from `openBlob` that breaks fails with an error of the stream: open it again at the offset reached.
 */
export function createRegistrySource(options: RegistrySourceOptions): RegistrySource {
  const places = placesOf(options.reference, (options.rules ?? noRegistryRules).rules);
  if ('blockedBy' in places) {
    const reference = formatImageReference(options.reference);
    throw new SlipwayError('registry-blocked', { reference, prefix: places.blockedBy });
  }
  const sources = places.map(({ reference, isInsecure }, index) =>
    createPlaceSource({
      ...options,
      reference,
      isInsecure: isInsecure || options.isInsecure === true,
      limits: { ...options.limits, ...(index + 1 < places.length ? { attempts: mirrorAttempts } : {}) },
    }),
  );
  const artifacts = firstOf(sources.map((source) => source.artifacts));
  /** The place that gave the image. */
  let chosen = 0;

  const fromFirst = async <T>(
    from: number,
    signal: AbortSignal,
    ask: (source: RegistrySource) => Promise<T>,
  ): Promise<{ readonly answer: T; readonly index: number }> => {
    for (let index = from; ; index += 1) {
      const [source, place] = [sources[index], places[index]];
      if (source === undefined || place === undefined) throw new Error('an image has at least one place');
      try {
        return { answer: await ask(source), index };
      } catch (error) {
        signal.throwIfAborted();
        if (index + 1 === sources.length) throw error;
        const text = `mirror ${place.reference.registry} is passed over: ${describeError(error)}`;
        options.emit({ type: 'warning', code: 'mirror-passed-over', text, count: 1 });
      }
    }
  };

  return {
    resolve: async (signal) => {
      const { answer, index } = await fromFirst(0, signal, (source) => source.resolve(signal));
      chosen = index;
      const { trust, reference } = options;
      if (trust === undefined) return answer;
      const now = (options.clock ?? systemClock).now();
      const requirements = trust.policy === undefined ? [] : requirementsFor(trust.policy, reference);
      const image = { reference, digests: signedDigests(answer), artifacts, requirements };
      const verification = await askTrust(trust, image, { now, signal });
      return verification === undefined ? answer : { ...answer, verification };
    },
    openBlob: async (layer: LayerDescriptor, offsetBytes, signal) =>
      (await fromFirst(chosen, signal, (source) => source.openBlob(layer, offsetBytes, signal))).answer,
    listTags: async (signal) => (await fromFirst(chosen, signal, (source) => source.listTags(signal))).answer,
    artifacts,
    close: async () => {
      await Promise.all(sources.map((source) => source.close()));
    },
  };
}
