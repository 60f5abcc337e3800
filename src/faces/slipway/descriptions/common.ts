// SPDX-License-Identifier: Apache-2.0
// What several subcommands' descriptions have in common.

export const helpOption = { long: 'help', short: 'h', argument: 'none', help: 'print this text' } as const;

export const storeVariable = {
  term: 'SLIPWAY_STORE',
  help: 'directory of the image store; without it $XDG_DATA_HOME/slipway, or else ~/.local/share/slipway',
} as const;

export const siteStoreVariable = {
  term: 'SLIPWAY_SITE_STORE',
  help: 'stores in which images are looked for after your own, with colons between them; without it those that /etc/slipway/site-stores names',
} as const;

export const policyOption = {
  long: 'policy',
  argument: 'required',
  argumentName: 'FILE',
  help: "go by this policy.json instead of the user's or the site's",
  completion: 'file',
} as const;

export const platformOption = {
  long: 'platform',
  argument: 'required',
  argumentName: 'OS/ARCH[/VARIANT]',
  help: "which of an image's platforms to take; this machine's if not said",
  completion: ['linux/amd64', 'linux/arm64', 'linux/ppc64le', 'linux/riscv64'],
} as const;

/** How to say where an image is. */
export const formsSection = {
  title: 'Where images are',
  items: [
    { term: 'docker://[REGISTRY/]NAME[:TAG][@DIGEST]', help: 'in a registry' },
    { term: 'oci:DIR[:REF]', help: 'in an OCI layout; REF is a tag or name in it' },
    { term: 'oci-archive:FILE[:REF]', help: 'in a tar archive of an OCI layout' },
    { term: 'docker-archive:FILE[:NAME]', help: 'in an archive of docker save or podman save' },
    { term: 'dir:DIR', help: "in a directory of skopeo's" },
    { term: 'docker-daemon:NAME', help: "kept by this machine's docker daemon" },
    { term: 'containers-storage:NAME', help: 'kept by podman and buildah, one of which, or skopeo, has to be here' },
    { term: 'squashfs:FILE, sif:FILE', help: 'a squashfs file, or the squashfs in a SIF file' },
    { term: 'tar:FILE', help: 'a tarball of a root file system, as it is or compressed with gzip, zstd, xz or bzip2' },
    { term: 'directory:DIR', help: 'an unpacked root file system' },
    {
      term: 'PATH',
      help: 'any of these, told by its content: what begins with /, ./ or ../, or ends in / or like the name of an image file',
    },
  ],
} as const;
