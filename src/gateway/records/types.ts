// SPDX-License-Identifier: Apache-2.0
// What the gateway remembers, and what every place that keeps it must be able to do. SQLite, PostgreSQL and MongoDB
// stand behind this; testing/contract.ts says in tests what each must do alike.
//
// Work is handed out by lease. A record with a `job` is work to be done; whoever claims it gets a token, and every later
// write names that token. A holder that has lost its lease can therefore change nothing any more, however late it
// notices: one record has one writer.

/** The states that Shifter's clients know; any other word would make them stop waiting. */
export const imageStatuses = [
  'PENDING',
  'PULLING',
  'EXAMINATION',
  'CONVERSION',
  'TRANSFER',
  'HASHING',
  'READY',
  'FAILURE',
  'EXPIRING',
  'EXPIRED',
] as const;
export type ImageStatus = (typeof imageStatuses)[number];

export type Job = 'pull' | 'import' | 'expire';

/** How far a pull is: bytes of the whole, and of each layer that is on its way. */
export type Progress = {
  readonly doneBytes: number;
  readonly totalBytes: number;
  readonly layers: readonly { readonly digest: string; readonly doneBytes: number; readonly totalBytes: number }[];
};

/** What an image says about itself, once it is known. */
export type ImageFacts = {
  readonly id: string;
  readonly env: readonly string[];
  readonly entry: readonly string[];
  readonly cmd: readonly string[];
  readonly workdir: string | null;
  readonly labels: Readonly<Record<string, string>>;
  /** Of the image file; undefined for what an older gateway stored. */
  readonly sizeBytes?: number;
};

export type ImageRecord = {
  /** The database's own name for the record. */
  readonly key: string;
  readonly system: string;
  readonly itype: string;
  /** The tag that was asked for. */
  readonly pullTag: string;
  readonly tags: readonly string[];
  readonly status: ImageStatus;
  readonly statusMessage: string | null;
  readonly format: string;
  /** Numeric ids; null for imports. */
  readonly userAcl: readonly number[] | null;
  readonly groupAcl: readonly number[] | null;
  /** Whether the registry wanted credentials; null while that is not known. */
  readonly isPrivate: boolean | null;
  readonly facts: ImageFacts | null;
  /** Seconds since 1970, with fractions, as all times here. */
  readonly lastPull: number | null;
  readonly lastHeartbeat: number | null;
  readonly expiration: number | null;
  readonly progress: Progress | null;
  /** Who asked for it first. */
  readonly requesterUid: number;
  readonly requester: string;
  /** What is to be imported, on the system's own file system. */
  readonly filePath: string | null;
  /** What is to be done about it, or null. */
  readonly job: Job | null;
  /** How often somebody has begun. */
  readonly attempts: number;
};

/** Work in hand. */
export type Claim = {
  readonly record: ImageRecord;
  readonly token: string;
  /** Credentials for registries, as `Seal` made them; null where none were given. */
  readonly sealedCredentials: string | null;
};

export type NewPull = Pick<
  ImageRecord,
  'system' | 'itype' | 'pullTag' | 'format' | 'userAcl' | 'groupAcl' | 'requesterUid' | 'requester' | 'filePath'
> & {
  readonly job: 'pull' | 'import';
  readonly now: number;
  readonly sealedCredentials: string | null;
};

/** What a holder may change while it works. */
export type RecordChanges = Partial<
  Pick<ImageRecord, 'status' | 'statusMessage' | 'progress' | 'lastHeartbeat' | 'facts' | 'isPrivate'>
>;

export type FinishedPull = {
  readonly facts: ImageFacts;
  readonly isPrivate: boolean;
  readonly userAcl: readonly number[] | null;
  readonly groupAcl: readonly number[] | null;
  readonly statusMessage: string;
  readonly now: number;
};

/** One successful lookup. */
export type MetricRow = {
  readonly user: string;
  readonly uid: number;
  readonly system: string;
  readonly type: string;
  readonly tag: string;
  readonly id: string;
  readonly time: number;
};

/** What has become of a system's READY images. */
export type ReadyChanges = {
  /** To go on from. What changes while this is read may be told once more then. */
  readonly generation: string;
  /** Whether `ready` is all there is, and not only what has changed. */
  readonly isWhole: boolean;
  readonly ready: readonly ImageRecord[];
  /** Keys of records that are READY no more. */
  readonly gone: readonly string[];
};

export type ImageName = { readonly system: string; readonly itype: string; readonly tag: string };

export type Records = {
  readonly kind: 'sqlite' | 'postgresql' | 'mongodb';
  /** READY images of a system. */
  readonly listReady: (system: string) => Promise<readonly ImageRecord[]>;
  /** Changes whenever `listReady` may have changed. */
  readonly generation: (system: string) => Promise<string>;
  /** What has changed among READY images since a generation that was told before; all of them where that is undefined. */
  readonly readyChanges: (system: string, since: string | undefined) => Promise<ReadyChanges>;
  readonly findReady: (name: ImageName) => Promise<ImageRecord | undefined>;
  /**
   * What became of the last attempt to pull under this tag, where that is not READY: one in flight before a failed one
   * before an expired one.
   */
  readonly findAttempt: (name: ImageName) => Promise<ImageRecord | undefined>;
  readonly get: (key: string) => Promise<ImageRecord | undefined>;
  /** Records that are neither READY nor EXPIRED, of one system or of all, the oldest first. */
  readonly listUnfinished: (system: string | undefined) => Promise<readonly ImageRecord[]>;
  /**
   * Adds a PENDING record with its job, in place of failed and expired ones of the same name without a tag of their
   * own. Where one is in flight already nothing is added and that one is given back: of any number of callers, in any
   * number of processes, one adds.
   */
  readonly startPull: (pull: NewPull) => Promise<{ readonly record: ImageRecord; readonly isNew: boolean }>;
  /** READY becomes EXPIRING, with a job; false where it was not READY. */
  readonly startExpiry: (key: string, now: number) => Promise<boolean>;
  /** READY records past their expiration. */
  readonly listExpired: (system: string, now: number) => Promise<readonly ImageRecord[]>;
  /** Sets when images expire, for those that are READY. */
  readonly setExpirations: (expirations: ReadonlyMap<string, number>) => Promise<void>;
  /** Removes FAILURE records last pulled before `before` (or after `after`, from a clock that was wrong); how many. */
  readonly purgeFailures: (limits: { readonly before: number; readonly after: number }) => Promise<number>;

  /**
   * The oldest job that nobody holds, held by `owner` from now on for `leaseSec`; none of `except`, which the caller knows
   * to be in hand, whatever a clock that has jumped makes of their leases.
   */
  readonly claim: (owner: string, leaseSec: number, except?: readonly string[]) => Promise<Claim | undefined>;
  /** Holds on to a job; false where it is lost. */
  readonly renew: (key: string, token: string, leaseSec: number) => Promise<boolean>;
  /** False, and nothing changed, where the job is lost. */
  readonly update: (key: string, token: string, changes: RecordChanges) => Promise<boolean>;
  /** Makes the job's record READY under its tag, or gives its tag to the READY record of the same image. */
  readonly finish: (key: string, token: string, result: FinishedPull) => Promise<boolean>;
  readonly fail: (key: string, token: string, message: string, now: number) => Promise<boolean>;
  /**
   * Ends a pull or import as FAILURE, whoever holds it: the holder finds its lease lost. `lastPull` says from when on it
   * may be tried again (see `decidePull`). False where there is nothing in flight.
   */
  readonly cancel: (
    key: string,
    failure: { readonly message: string; readonly lastPull: number; readonly now: number },
  ) => Promise<boolean>;
  readonly finishExpiry: (key: string, token: string) => Promise<boolean>;
  /** Gives a job back, to be begun anew by whoever claims it next. */
  readonly handOver: (key: string, token: string) => Promise<boolean>;
  /** Who holds jobs now. */
  readonly owners: () => Promise<readonly string[]>;
  /** Takes the jobs of an owner that is known to be dead. */
  readonly releaseOwner: (owner: string) => Promise<void>;
  /** Whether another READY record of this system has this image. */
  readonly isIdShared: (record: ImageRecord) => Promise<boolean>;

  /** Whose tag it is: the uid that pulled it, or null where several people did. */
  readonly tagOwner: (name: ImageName) => Promise<number | null | undefined>;
  /** Keys of the images of which a uid alone has pulled every tag. */
  readonly ownImages: (system: string, uid: number) => Promise<ReadonlySet<string>>;
  /** Notes that someone besides its owner has pulled a tag. */
  readonly shareTag: (name: ImageName) => Promise<void>;
  /** Takes a tag away from its image; the record it was of. */
  readonly removeTag: (name: ImageName) => Promise<ImageRecord | undefined>;

  readonly addMetrics: (rows: readonly MetricRow[]) => Promise<void>;
  /** The last `limit` rows, the oldest first. */
  readonly lastMetrics: (system: string, limit: number) => Promise<readonly MetricRow[]>;
  readonly pruneMetrics: (before: number) => Promise<void>;
  /** A value that all gateways on this database share; `first` becomes it where there is none. */
  readonly setting: (name: string, first: string) => Promise<string>;

  /** Everything, for `migrate`. */
  readonly exportAll: () => AsyncIterable<ImageRecord & { readonly owners: readonly (number | null)[] }>;
  /** Adds finished records (READY, FAILURE, EXPIRED) as they are; one already there under its key is left alone. */
  readonly importRecord: (record: ImageRecord & { readonly owners: readonly (number | null)[] }) => Promise<boolean>;
  /** Rejects where the database does not answer. */
  readonly ping: () => Promise<void>;
  readonly close: () => Promise<void>;
};
