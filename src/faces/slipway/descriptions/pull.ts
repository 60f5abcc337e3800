// SPDX-License-Identifier: Apache-2.0
import type { CommandDescription } from '../../../formats/getopt/index.ts';
import { formsSection, helpOption, policyOption, storeVariable } from './common.ts';

export const pull: CommandDescription<
  | 'platform'
  | 'concurrency'
  | 'limit-rate'
  | 'verify-key'
  | 'policy'
  | 'allow-user'
  | 'allow-group'
  | 'foreign-layers'
  | 'name'
  | 'plain-http'
  | 'quiet'
  | 'json'
  | 'help'
> = {
  name: 'slipway pull',
  summary: 'bring images into the store',
  description: [
    'Downloads the layers of each image, verifies them, and merges them into one squashfs file in the store. What the store has already is not downloaded again, and a download that was broken off goes on where it stopped.',
    'What is in no registry is brought in from where it is said to be: a layout, an archive, a directory, a SIF file. It is called localhost/NAME:TAG in the store: the name that was asked for in it, or else the name of the file without its ending, in small letters, and latest.',
    'For each image its full name with its digest is printed: this names the same image for ever.',
    'Which images are accepted is decided by policy.json in ~/.config/containers or /etc/containers, as with podman; without one, all are.',
    'Credentials are read from where skopeo, podman and docker keep them.',
  ],
  operands: [
    {
      name: 'IMAGE',
      help: '[REGISTRY/]NAME[:TAG][@DIGEST]; latest if not said, and without REGISTRY what registries.conf says, or else docker.io; or one of the forms below',
      isRepeated: true,
    },
  ],
  options: [
    {
      long: 'platform',
      argument: 'required',
      argumentName: 'OS/ARCH[/VARIANT]',
      help: "which of an image's platforms to take; this machine's if not said",
      completion: ['linux/amd64', 'linux/arm64', 'linux/ppc64le', 'linux/riscv64'],
    },
    {
      long: 'concurrency',
      short: 'j',
      argument: 'required',
      argumentName: 'N',
      help: 'download N layers at a time, 1 to 64; 4 if not said',
    },
    {
      long: 'limit-rate',
      argument: 'required',
      argumentName: 'BYTES',
      help: 'download at most so many bytes a second, all layers together; K, M and G are understood',
    },
    {
      long: 'verify-key',
      argument: 'required',
      argumentName: 'FILE',
      help: 'take the image only with a sigstore signature (cosign) by this public key; if repeated, by one of them',
      completion: 'file',
    },
    policyOption,
    {
      long: 'allow-user',
      argument: 'required',
      argumentName: 'USER',
      help: 'in a shared store, let only this user use the image; may be repeated, see `slipway access`',
    },
    { long: 'allow-group', argument: 'required', argumentName: 'GROUP', help: 'the same for a group' },
    {
      long: 'foreign-layers',
      argument: 'none',
      help: 'fetch layers that the registry may not distribute from the addresses that the image names (https only)',
    },
    {
      long: 'plain-http',
      argument: 'none',
      help: 'speak HTTP without TLS, credentials included; for loopback addresses this is done by itself',
    },
    {
      long: 'name',
      argument: 'required',
      argumentName: 'NAME[:TAG]',
      help: 'call an image that comes from no registry NAME in the store; localhost/NAME where NAME has no registry',
    },
    { long: 'quiet', short: 'q', argument: 'none', help: 'say nothing meanwhile but warnings' },
    { long: 'json', argument: 'none', help: 'print events as they happen, one JSON object a line' },
    helpOption,
  ],
  rules: { mode: 'permute' },
  sections: [
    formsSection,
    {
      title: 'Environment variables',
      items: [
        storeVariable,
        {
          term: 'HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY',
          help: 'proxy servers (http://, https://, socks5://) for https, for http and for both, and what is reached without them; in small letters too',
        },
        {
          term: 'NODE_EXTRA_CA_CERTS',
          help: 'file of certificate authorities (PEM) to trust beside those of the machine',
        },
        { term: 'REGISTRY_AUTH_FILE, DOCKER_CONFIG', help: 'where credentials are' },
        {
          term: 'CONTAINERS_REGISTRIES_CONF',
          help: 'file to read instead of registries.conf and registries.conf.d in ~/.config/containers and /etc/containers',
        },
        {
          term: 'SLIPWAY_PULL_CONCURRENCY, SLIPWAY_PULL_RATE',
          help: 'what --concurrency and --limit-rate are if not given',
        },
        {
          term: 'SLIPWAY_PACKS_SIZE',
          help: 'bytes of compressed layers that the store keeps for the next images that have them; 10G if not said, 0 for none',
        },
      ],
    },
  ],
  examples: [
    { command: 'slipway pull debian:12', help: 'Pull from docker.io' },
    {
      command: 'slipway pull --platform linux/arm64 ghcr.io/owner/name@sha256:...',
      help: 'Pull a certain image for another platform',
    },
    { command: 'slipway pull docker-archive:saved.tar.gz', help: 'Bring in what docker save wrote' },
    { command: 'slipway pull --name tools:2 ./rootfs', help: 'Bring in a directory as localhost/tools:2' },
    { command: 'image=$(slipway pull -q debian:12)', help: 'Keep the exact name in a script' },
  ],
};
