// SPDX-License-Identifier: Apache-2.0
// The texts of an installation: what an update, and a person, will want to know.
import { join } from 'node:path';
import { stringify } from 'yaml';
import { listDirectoryIfPresentSync } from '../sys/files.ts';
import type { PlacedContainer } from './base-container.ts';
import type { Construction } from './construct.ts';
import type { Prepared } from './prepare-content.ts';
import { readCondaPackages, readPythonPackages } from './read-packages.ts';
import type { Configuration } from './settings.ts';
import { type InstallationRecord, type PackageRecord, readRecord, recordPath } from './record.ts';

/** By path in the prefix. */
export async function textsOf(construction: Construction, content: Prepared): Promise<ReadonlyMap<string, string>> {
  const { settings, tools } = construction;
  const texts = new Map<string, string>([
    ['common.sh', commonText(construction)],
    ['share/conf.yaml', stringify({ ...settings.configuration, ...keptOf(content.container) })],
    [
      'share/VERSION.yml',
      stringify({
        'tag': `slipway ${tools.version}`,
        'commit': tools.build,
        'build-time': tools.clock.now().toISOString(),
      }),
    ],
  ]);
  const record = await recordOf(construction, content);
  texts.set(recordPath, `${JSON.stringify(record, undefined, 1)}\n`);
  if (content.pyvenv !== undefined) texts.set('pyvenv.cfg', content.pyvenv);
  const inputs = content.installed?.inputs ?? new Map<string, string>();
  if (inputs.size > 0) {
    const before = listDirectoryIfPresentSync(join(settings.prefix, 'share/previous_input')) ?? [];
    const number = 1 + Math.max(0, ...before.map(Number).filter(Number.isSafeInteger));
    for (const [name, text] of inputs) texts.set(`share/previous_input/${number}/${name}`, text);
  }
  return texts;
}

function commonText({ settings }: Construction): string {
  return `# An installation wrapped by Slipway. The programs in bin need nothing of this file; it tells what they use.
SQFS_IMAGE=${settings.imageName}
`;
}

async function recordOf(
  { settings, tools, buildDirectory }: Construction,
  content: Prepared,
): Promise<InstallationRecord> {
  const contentAt = content.installed?.contentAt;
  const isEnvironment = contentAt !== undefined && (settings.mode === 'conda' || settings.mode === 'venv');
  const reports = (listDirectoryIfPresentSync(buildDirectory) ?? [])
    .filter((name) => name.startsWith('_report'))
    .map((name) => join(buildDirectory, name));
  // An update installs, and reports, only what is new.
  const before = settings.isUpdate ? await readRecord(settings.prefix).catch(() => undefined) : undefined;
  const scripts = settings.preInstall.length + settings.postInstall.length;
  const pip = isEnvironment ? readPythonPackages(contentAt, reports) : [];
  return {
    format: 1,
    made: tools.clock.now().toISOString(),
    slipway: tools.version,
    mode: settings.mode,
    prefix: settings.prefix,
    ...(content.pyvenv === undefined ? {} : { python: pythonOf(content.pyvenv) }),
    ...(settings.container === undefined ? {} : { container: content.container?.identity ?? settings.container }),
    ...(settings.source === undefined ? {} : { source: sourceOf(settings.source, content) }),
    hasScripts: scripts > 0 || before?.hasScripts === true,
    conda: isEnvironment ? readCondaPackages(contentAt) : [],
    pip: pip.map((each) => withFormerDigest(each, before?.pip ?? [])),
  };
}

/** What a file in the prefix does not tell of the image that it was. */
function keptOf(container: PlacedContainer | undefined): Configuration {
  if (container === undefined) return {};
  const { environment, identity } = container;
  return { container_environment: environment, ...(identity === undefined ? {} : { container_identity: identity }) };
}

function sourceOf(source: string, { hasImage, container }: Prepared): string {
  return hasImage ? source : (container?.identity ?? source);
}

function withFormerDigest(each: PackageRecord, former: readonly PackageRecord[]): PackageRecord {
  if (each.sha256 !== undefined || each.url !== undefined) return each;
  const before = former.find(({ name, version }) => name === each.name && version === each.version);
  return before?.sha256 === undefined ? each : { ...each, sha256: before.sha256 };
}

/** Of pyvenv.cfg (PEP 405; uv calls the version version_info). */
function pythonOf(text: string): { readonly version: string; readonly home: string } {
  const value = (key: string): string => new RegExp(`^${key}\\s*=\\s*(.*)$`, 'm').exec(text)?.[1]?.trim() ?? '';
  return { version: value('version') || value('version_info'), home: value('home') };
}
