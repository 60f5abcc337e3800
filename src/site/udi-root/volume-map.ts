// SPDX-License-Identifier: Apache-2.0
// Shifter's notation for mounts, `FROM:TO[:FLAG…]`, several joined by `;`, of sites (siteFs) and of users (--volume).
// Paths that a user may not cover are compared by components, so that /etc is closed and /etcetera is not.

export type PerNodeCache = {
  readonly sizeBytes: number;
  readonly blockBytes: number;
  readonly method: 'loop';
  readonly fsType: string;
};

export type VolumeMap = {
  readonly from: string;
  readonly to: string;
  readonly readOnly: boolean;
  readonly recursive: boolean;
  readonly slave: boolean;
  readonly private: boolean;
  readonly perNodeCache?: PerNodeCache;
};

/** Shifter's numbers for what is wrong: 1 path, 2 flag, 3 duplicate flag, 4 flags that exclude one another. */
export type VolumeMapFault = { readonly spec: string; readonly code: 1 | 2 | 3 | 4; readonly reason: string };
export type VolumeMapResult =
  | { readonly ok: true; readonly maps: readonly VolumeMap[] }
  | { readonly ok: false; readonly fault: VolumeMapFault };

/** Where a user may mount nothing: these, and all that is below. */
const closedToUsers = ['/etc', '/var', '/opt/udiImage', '/dev', '/proc', '/sys'];
/** Where a user may not mount, but may below. */
const closedItselfToUsers = ['/opt'];
const openToUsers = ['/var/tmp'];
/** Where a site may not mount: what it would cover is made for each container. */
const closedToSites = ['/opt', '/etc', '/var', '/etc/passwd', '/etc/group', '/etc/nsswitch.conf'];

const maxSpecs = 1024;
const pathPattern = /^\/[A-Za-z0-9_:.+/-]*$/;
const defaultCacheBlockBytes = 1 << 20;

/** Reads `--volume`, SHIFTER_VOLUME: both ends must be given, and the site's own flags are refused. */
export function parseUserVolumes(text: string): VolumeMapResult {
  return parseAll(text, (spec) => parseOne(spec, false));
}

/** Reads siteFs: TO is FROM where it is left out. */
export function parseSiteVolumes(text: string): VolumeMapResult {
  return parseAll(text, (spec) => parseOne(spec, true));
}

/** The text by which Shifter compares what is mounted with what is wanted. */
export function volumeSignature(maps: readonly VolumeMap[]): string {
  return maps
    .map(({ from, to, readOnly, recursive, perNodeCache, slave, private: isPrivate }) =>
      [
        from,
        to,
        ...(readOnly ? ['ro'] : []),
        ...(recursive ? ['rec'] : []),
        ...(perNodeCache === undefined ? [] : [cacheSignature(perNodeCache)]),
        ...(slave ? ['slave'] : []),
        ...(isPrivate ? ['private'] : []),
      ].join(':'),
    )
    .toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    .join(';');
}

function cacheSignature({ sizeBytes, blockBytes, method, fsType }: PerNodeCache): string {
  return `perNodeCache=size=${sizeBytes},bs=${blockBytes},method=${method},fstype=${fsType}`;
}

function parseAll(text: string, parse: (spec: string) => VolumeMap | VolumeMapFault): VolumeMapResult {
  const maps: VolumeMap[] = [];
  for (const word of text.split(';')) {
    const spec = word.trim();
    if (spec === '') continue;
    const map = parse(spec.startsWith('"') && spec.endsWith('"') && spec.length > 1 ? spec.slice(1, -1) : spec);
    if ('code' in map) return { ok: false, fault: map };
    if (maps.length === maxSpecs) {
      return { ok: false, fault: { spec, code: 1, reason: `there are more than ${maxSpecs}` } };
    }
    maps.push(map);
  }
  return { ok: true, maps };
}

function parseOne(spec: string, isSite: boolean): VolumeMap | VolumeMapFault {
  const fault = (code: VolumeMapFault['code'], reason: string): VolumeMapFault => ({ spec, code, reason });
  const [from = '', given, ...flagWords] = spec.split(':');
  if (given === undefined && !isSite) return fault(1, 'it does not say where in the container: FROM:TO');
  const paths = { from: cleanPath(from), to: cleanPath(given ?? from) };
  for (const path of [from, given ?? from]) {
    if (!pathPattern.test(path)) return fault(1, `"${path}" is no absolute path of letters, digits and _ . + -`);
    if (path.split('/').includes('..')) return fault(1, `"${path}" has a component ".."`);
  }
  const closed = closedReason(paths.to, isSite);
  if (closed !== undefined) return fault(1, closed);

  const seen = new Set<string>();
  let perNodeCache: PerNodeCache | undefined;
  for (const word of flagWords) {
    const name = word.split('=', 1)[0]?.toLowerCase() ?? '';
    if (!['ro', 'rec', 'slave', 'private', 'pernodecache'].includes(name)) return fault(2, `"${word}" is no flag`);
    if (!isSite && ['rec', 'slave', 'private'].includes(name)) return fault(2, `"${word}" is for the site alone`);
    if (seen.has(name)) return fault(3, `"${word}" is given twice`);
    seen.add(name);
    if (name === 'pernodecache') {
      perNodeCache = parsePerNodeCache(word.slice(word.indexOf('=') + 1), word.includes('='));
      if (perNodeCache === undefined)
        return fault(2, `"${word}" is not perNodeCache=size=N[,bs=N][,fs=xfs][,method=loop]`);
    } else if (word.includes('=')) return fault(2, `"${word}": the flag takes no value`);
  }
  if (seen.has('slave') && seen.has('private')) return fault(4, 'slave and private exclude one another');
  return {
    ...paths,
    readOnly: seen.has('ro'),
    recursive: seen.has('rec'),
    slave: seen.has('slave'),
    private: seen.has('private'),
    ...(perNodeCache === undefined ? {} : { perNodeCache }),
  };
}

function closedReason(to: string, isSite: boolean): string | undefined {
  if (to === '/') return 'the root itself is the image';
  if (isSite) return closedToSites.includes(to) ? `${to} is made for each container` : undefined;
  if (openToUsers.includes(to)) return undefined;
  const above = closedToUsers.find((path) => to === path || to.startsWith(`${path}/`));
  if (above !== undefined) return `nothing of yours can be mounted in ${above}`;
  return closedItselfToUsers.includes(to) ? `nothing of yours can be mounted on ${to}` : undefined;
}

function cleanPath(path: string): string {
  return `/${path
    .split('/')
    .filter((name) => name !== '' && name !== '.')
    .join('/')}`;
}

function parsePerNodeCache(text: string, isGiven: boolean): PerNodeCache | undefined {
  const settings = new Map<string, string>();
  for (const word of isGiven ? text.split(',') : []) {
    const equals = word.indexOf('=');
    const name = word.slice(0, equals).toLowerCase();
    if (equals < 0 || settings.has(name)) return undefined;
    settings.set(name, word.slice(equals + 1));
  }
  const sizeBytes = parseBytes(settings.get('size') ?? '');
  const block = settings.get('bs');
  const blockBytes = block === undefined ? defaultCacheBlockBytes : parseBytes(block);
  const fsType = (settings.get('fs') ?? settings.get('fstype') ?? 'xfs').toLowerCase();
  const method = (settings.get('method') ?? 'loop').toLowerCase();
  const isKnown = [...settings.keys()].every((name) => ['size', 'bs', 'fs', 'fstype', 'method'].includes(name));
  if (!isKnown || !sizeBytes || !blockBytes || fsType !== 'xfs' || method !== 'loop') return undefined;
  return { sizeBytes, blockBytes, method, fsType };
}

/** `200g`: a number with one of b, k, m, g, t, p, e (powers of 1024). Undefined for anything else, and above 2^53. */
export function parseBytes(text: string): number | undefined {
  const found = /^([0-9]{1,16})([bkmgtpe]?)$/i.exec(text);
  if (found === null) return undefined;
  const power = ' kmgtpe'.indexOf((found[2] ?? '').toLowerCase());
  const bytes = Number(found[1]) * 1024 ** Math.max(power, 0);
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}
