// SPDX-License-Identifier: Apache-2.0
// All about a system's images and pulls, for `slipway remote` and the page.
import type { GatewayContext } from '../context.ts';
import type { ImageRecord, Progress } from '../records/types.ts';

export type OverviewImage = {
  readonly id: string;
  readonly itype: string;
  readonly tags: readonly string[];
  readonly isPrivate: boolean | null;
  readonly userAcl: readonly number[];
  readonly groupAcl: readonly number[];
  readonly lastPull: number | null;
  readonly expiration: number | null;
  readonly sizeBytes: number | null;
  /** Whether nobody but the viewer has pulled it. */
  readonly isMine: boolean;
};

export type OverviewPull = {
  readonly job: string | null;
  readonly itype: string;
  readonly tag: string;
  readonly status: string;
  readonly message: string | null;
  readonly progress: Progress | null;
  readonly requester: string;
  readonly requested: number | null;
  readonly attempts: number;
};

export type Overview = {
  readonly system: string;
  readonly isAdmin: boolean;
  readonly time: number;
  readonly images: readonly OverviewImage[];
  readonly pulls: readonly OverviewPull[];
};

/** What a viewer may see of it. */
export async function overviewOf(
  { records, clock }: GatewayContext,
  system: string,
  viewer: {
    readonly sees: (record: ImageRecord) => Promise<boolean>;
    readonly isAdmin: boolean;
    readonly uid: number | undefined;
  },
): Promise<Overview> {
  const mine = viewer.uid === undefined ? new Set<string>() : await records.ownImages(system, viewer.uid);
  const images: OverviewImage[] = [];
  for (const record of await records.listReady(system)) {
    if (!viewer.isAdmin && !(await viewer.sees(record))) continue;
    images.push({
      id: record.facts?.id ?? '',
      itype: record.itype,
      tags: record.tags,
      isPrivate: record.isPrivate,
      userAcl: record.userAcl ?? [],
      groupAcl: record.groupAcl ?? [],
      lastPull: record.lastPull,
      expiration: record.expiration,
      sizeBytes: record.facts?.sizeBytes ?? null,
      isMine: viewer.uid !== undefined && mine.has(record.key),
    });
  }
  const pulls = await pullsOf({ records }, system, viewer);
  return { system, isAdmin: viewer.isAdmin, time: clock.now().getTime() / 1000, images, pulls };
}

/** Pulls in flight and failed ones; of others' only administrators see who asked. */
export async function pullsOf(
  { records }: Pick<GatewayContext, 'records'>,
  system: string,
  viewer: { readonly isAdmin: boolean; readonly uid: number | undefined },
): Promise<readonly OverviewPull[]> {
  const unfinished = await records.listUnfinished(system);
  return unfinished.map((record) => ({
    job: record.job,
    itype: record.itype,
    tag: record.pullTag,
    status: record.status,
    message: record.statusMessage,
    progress: record.progress,
    requester: viewer.isAdmin || record.requesterUid === viewer.uid ? record.requester : '',
    requested: record.lastPull,
    attempts: record.attempts,
  }));
}
