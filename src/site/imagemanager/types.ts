// SPDX-License-Identifier: Apache-2.0

/** Something to be said about a configuration file. Errors keep the gateway from starting. */
export type ConfigProblem = {
  /** `ignored`: a key of Shifter's that has nothing to decide here; `text` says why. */
  readonly severity: 'error' | 'warning' | 'ignored';
  /** From 1; 0 for what is missing as a whole. */
  readonly line: number;
  /** `Platforms.cori.ssh`. */
  readonly key: string;
  readonly text: string;
};

/** A registry that may be pulled from. */
export type Location = {
  readonly name: string;
  /** HOST[:PORT] of its API; `docker.io` for the Hub. */
  readonly registry: string;
  readonly isPlainHttp: boolean;
  /** A PEM file, trusted beside the machine's authorities. */
  readonly certificateAuthorityPath: string | undefined;
};

export type RemoteAccess = {
  readonly host: string;
  readonly username: string | undefined;
  readonly keyPath: string | undefined;
  readonly options: readonly string[];
};

/** A system that images are delivered to. */
export type PlatformConfig = {
  readonly name: string;
  readonly mungeSocketPath: string;
  readonly admins: readonly string[];
  /** Where its runtime looks for images: here, or on the remote host. */
  readonly imageDirectory: string;
  readonly remote: RemoteAccess | undefined;
  /** As OCI calls it; undefined for the gateway's own. */
  readonly architecture: string | undefined;
};

export type GatewayLimits = {
  readonly bodyBytes: number;
  /** Requests that one user, or one address without a user, may make in a minute. */
  readonly requestsPerMinute: number;
  readonly connections: number;
  /** Pulls that one user may have in flight. */
  readonly pullsPerUser: number;
};

export type GatewayConfig = {
  readonly workerThreads: number;
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error' | 'fatal';
  readonly defaultLocation: string;
  readonly format: 'squashfs';
  readonly pullUpdateTimeoutSec: number;
  /** How long an image lives after its last lookup; undefined: for ever. */
  readonly imageExpirationSec: number | undefined;
  /** `sqlite:PATH`, `postgresql://…`, `mongodb://…`. */
  readonly databaseUri: string;
  /** Of MongoDB. */
  readonly databaseName: string;
  readonly cacheDirectory: string;
  readonly expandDirectory: string;
  readonly authentication: 'munge' | 'mock';
  readonly importUsers: 'all' | readonly string[];
  readonly keepsMetrics: boolean;
  /** Who writes the squashfs; with `mksquashfs` come its options. */
  readonly converter:
    | { readonly kind: 'slipway' }
    | { readonly kind: 'mksquashfs'; readonly options: readonly string[] };
  readonly compressionLevel: number | undefined;
  /** Called as `PROGRAM DIRECTORY ID`. */
  readonly examiner: string | undefined;
  readonly locations: ReadonlyMap<string, Location>;
  readonly platforms: ReadonlyMap<string, PlatformConfig>;
  readonly listen: { readonly host: string; readonly port: number };
  readonly tls: { readonly certificatePath: string; readonly keyPath: string } | undefined;
  /** What clients are told to come back to: the base of links; undefined for the address listened at. */
  readonly publicUrl: string | undefined;
  readonly stopTimeoutSec: number;
  readonly convertedKeepSec: number;
  readonly limits: GatewayLimits;
};

export type ParsedConfig = {
  readonly config: GatewayConfig | undefined;
  readonly problems: readonly ConfigProblem[];
};
