// SPDX-License-Identifier: Apache-2.0
// Root lays down the files of a job's sshd on the node, from where the container is shown them.
import { SlipwayError } from '../../../model/index.ts';
import type { ShifterModule, UdiRoot } from '../../../site/index.ts';
import type { Inputs } from '../../../sys/inputs.ts';
import { fillOwned } from '../../../sys/owned-files.ts';
import type { ContainerUser } from '../container-user.ts';
import { environmentOf } from '../environment.ts';
import { serverFilesDirectory, sshdPath } from '../prepare/places.ts';
import type { SiteImage } from '../site-image.ts';
import type { ContainerSsh } from './container-ssh.ts';
import { serverFiles } from './server-files.ts';
import type { ServerIdentity } from './server-identity.ts';
import { sessionVariables } from './session-variables.ts';

/** @throws SlipwayError `shifter-sshd-missing` where optUdiImage has no sshd, or there is no optUdiImage. */
export function layServer(given: {
  readonly identity: ServerIdentity;
  readonly ask: { readonly hosts?: readonly string[] };
  readonly user: ContainerUser;
  readonly udiRoot: UdiRoot;
  readonly modules: readonly ShifterModule[];
  readonly image: SiteImage;
  readonly inputs: Inputs;
}): ContainerSsh {
  const { identity, ask, user, udiRoot, modules, image, inputs } = given;
  const from = udiRoot.optUdiImage;
  const path = `${from ?? 'optUdiImage'}${sshdPath.slice('/opt/udiImage'.length)}`;
  if (from === undefined || inputs.kindOf(path) !== 'file') throw new SlipwayError('shifter-sshd-missing', { path });
  const environment = environmentOf({
    clearsEnvironment: false,
    identifier: image.identifier,
    imageEnv: image.config.env,
    devices: [],
    fromFiles: [],
    fromOptions: [],
    modules,
    site: udiRoot.environment,
  });
  const files = serverFiles({
    identity,
    userName: user.name,
    hosts: ask.hosts ?? [],
    variables: sessionVariables(environment),
    site: {
      sshd: inputs.readText(`${from}/etc/sshd_config`) ?? '',
      ssh: inputs.readText(`${from}/etc/ssh_config`) ?? '',
    },
  });
  fillOwned(
    serverFilesDirectory,
    files.map(({ name, content, isPrivate }) => ({
      name,
      content,
      ...(isPrivate ? { mode: 0o400, uid: user.uid, gid: user.gid } : { mode: 0o444, uid: 0, gid: 0 }),
    })),
  );
  const clientConfig = files.find(({ name }) => name === 'ssh_config')?.content ?? '';
  return { filesDirectory: serverFilesDirectory, clientConfig };
}
