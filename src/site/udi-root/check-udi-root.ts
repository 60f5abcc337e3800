// SPDX-License-Identifier: Apache-2.0
// All that is to be said of a udiRoot.conf before nodes use it: what the reader says, and whether what it names is there.
import type { Inputs } from '../../sys/inputs.ts';
import { examineUdiRoot, unsafeReason } from './read-udi-root.ts';
import type { Remark, UdiRoot } from './udi-root.ts';

export type Finding = Remark & { readonly isFault: boolean };

/** @throws SlipwayError `udi-root-missing`, `udi-root-unsafe` */
export function checkUdiRoot(path: string, inputs: Inputs): readonly Finding[] {
  const { udiRoot, faults, notes } = examineUdiRoot(path, inputs);
  return [
    ...faults.map((remark) => ({ ...remark, isFault: true })),
    ...notes.map((remark) => ({ ...remark, isFault: false })),
    ...(udiRoot === undefined ? [] : placesOf(udiRoot, inputs)),
  ];
}

/** What is named and missing on this machine, or can be written by others than root though root will run or trust it. */
function placesOf(udiRoot: UdiRoot, inputs: Inputs): readonly Finding[] {
  const findings: Finding[] = [];
  const say = (isFault: boolean, text: string): void => void findings.push({ line: 0, isFault, text });
  const directories = { imagePath: udiRoot.imagePath, etcPath: udiRoot.etcPath, optUdiImage: udiRoot.optUdiImage };
  for (const [key, place] of Object.entries(directories)) {
    if (place !== undefined && inputs.kindOf(place) !== 'directory')
      say(true, `${key}: there is no directory ${place}`);
  }
  for (const name of udiRoot.populateEtcDynamically ? [] : ['passwd', 'group', 'nsswitch.conf']) {
    if (inputs.kindOf(`${udiRoot.etcPath}/${name}`) !== 'file')
      say(true, `etcPath: there is no file ${udiRoot.etcPath}/${name}`);
  }
  const hooks = [
    ['sitePreMountHook', udiRoot.sitePreMountHook],
    ['sitePostMountHook', udiRoot.sitePostMountHook],
    ...[...udiRoot.modules.values()].map((module) => [`module_${module.name}_roothook`, module.rootHook] as const),
  ] as const;
  for (const [key, hook] of hooks) {
    const reason = hook === undefined ? undefined : unsafeReason(inputs.ownerOf(hook));
    if (reason !== undefined) say(true, `${key}: ${hook}: ${reason}`);
  }
  for (const { name, copyPath } of udiRoot.modules.values()) {
    if (copyPath !== undefined && inputs.kindOf(copyPath) !== 'directory')
      say(true, `module_${name}_copyPath: there is no directory ${copyPath}`);
  }
  for (const { from } of [...udiRoot.siteFs, ...[...udiRoot.modules.values()].flatMap(({ siteFs }) => siteFs)]) {
    if (inputs.kindOf(from) === undefined) say(true, `siteFs: there is nothing at ${from}`);
  }
  for (const name of udiRoot.defaultModules) {
    if (!udiRoot.modules.has(name)) say(true, `defaultModules: there is no module ${name}`);
  }
  if (udiRoot.perNodeCachePath !== undefined && !udiRoot.tools.has('mkfsXfsPath'))
    say(true, 'perNodeCachePath: caches need a program that formats them; set mkfsXfsPath');
  if (udiRoot.optUdiImage !== undefined && inputs.kindOf(`${udiRoot.optUdiImage}/sbin/sshd`) !== 'file')
    say(false, 'optUdiImage: it has no sbin/sshd, which enable_sshd=1 in plugstack.conf needs');
  for (const [key, tool] of udiRoot.tools) {
    if (inputs.kindOf(tool) !== 'file')
      say(false, `${key}: there is no program ${tool} (Slipway calls none but mkfs.xfs)`);
  }
  return findings;
}
