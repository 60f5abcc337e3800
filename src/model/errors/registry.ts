// SPDX-License-Identifier: Apache-2.0
// What can go wrong between an image's name and its verified bytes: reaching a registry, being let in, finding the
// image, understanding and verifying what was sent.

export const registryErrors = {
  'registry-unreachable': {
    message: 'reach {registry}: {reason}',
    hint: 'check the name of the registry, the network, and HTTPS_PROXY and NO_PROXY',
    exitStatus: 125,
    httpStatus: 502,
  },
  'registry-not-https': {
    message: 'reach {registry}: it does not speak TLS',
    hint: 'plain HTTP is used by itself only for loopback addresses; elsewhere it has to be asked for',
    exitStatus: 125,
    httpStatus: 502,
  },
  'registry-untrusted': {
    message: 'reach {registry}: its certificate is not trusted ({reason})',
    hint: "put the registry's certificate authority, as NAME.crt, into ~/.config/containers/certs.d/{registry}, or add it to this machine's",
    exitStatus: 125,
    httpStatus: 502,
  },
  'registry-wants-certificate': {
    message: 'reach {registry}: it wants a client certificate that it trusts ({reason})',
    hint: 'put it and its key, as NAME.cert and NAME.key, into ~/.config/containers/certs.d/{registry}',
    exitStatus: 125,
    httpStatus: 502,
  },
  'registry-denied': {
    message: '{task}: {registry} answered {status} ({authentication}){detail}',
    hint: 'log in: slipway login {registry}; a repository that does not exist may be refused in the same way',
    exitStatus: 125,
    httpStatus: 403,
  },
  'registry-rate-limited': {
    message: '{task}: {registry} refuses further requests for now (429){detail}',
    hint: 'wait, or log in: registries allow more to those they know',
    exitStatus: 125,
    httpStatus: 503,
  },
  'registry-error': {
    message: '{task}: {registry} {reason}',
    exitStatus: 125,
    httpStatus: 502,
  },
  'repository-unknown': {
    message: 'pull {reference}: {registry} has no repository {repository}',
    hint: 'check the spelling; a private repository may look absent without credentials',
    exitStatus: 125,
    httpStatus: 404,
  },
  'manifest-unknown': {
    message: 'pull {reference}: {registry} has no {wanted} in repository {repository}',
    hint: 'to see which tags there are: skopeo list-tags docker://{registry}/{repository}',
    exitStatus: 125,
    httpStatus: 404,
  },
  'blob-unknown': {
    message: 'download {digest}: {registry} does not have it',
    hint: 'the image is incomplete in its registry; it has to be pushed again',
    exitStatus: 125,
    httpStatus: 502,
  },
  'foreign-layer-refused': {
    message: 'download {digest}: {registry} does not have it; the image says that {host} has',
    hint: 'such layers are fetched from outside of the registry only where that is asked for: --foreign-layers',
    exitStatus: 125,
    httpStatus: 403,
  },
  'blob-corrupt': {
    message: 'download {digest}: {reason}',
    hint: 'what was received has been removed; if it happens again, the registry or a proxy on the way is damaged',
    exitStatus: 125,
    httpStatus: 502,
  },
  'download-interrupted': {
    message: 'download {digest}: {reason}, after {receivedBytes} of {sizeBytes} bytes',
    hint: 'what was received is kept: run the same command again to go on from there',
    exitStatus: 125,
    httpStatus: 502,
  },
  'digest-mismatch': {
    message: 'verify {what}: its bytes have digest {actual}, expected {expected}',
    hint: 'the registry or a proxy on the way changes or damages what it sends',
    exitStatus: 125,
    httpStatus: 502,
  },
  'platform-missing': {
    message: 'pull {reference}: there is no image for {platform}; there is {available}',
    hint: 'ask for one of those platforms, or for another tag',
    exitStatus: 125,
    httpStatus: 404,
  },
  'manifest-unsupported': {
    message: 'read {what}: {reason}',
    exitStatus: 125,
    httpStatus: 422,
  },
  'manifest-malformed': {
    message: 'read {what}: {reason}',
    hint: 'whatever made or serves this image breaks the OCI image specification',
    exitStatus: 125,
    httpStatus: 502,
  },
  'registry-blocked': {
    message: 'pull {reference}: registries.conf blocks {prefix}',
    hint: 'the administrators of this machine have decided so; ask them for a registry that may be used',
    exitStatus: 125,
    httpStatus: 403,
  },
  'short-name-ambiguous': {
    message: 'read image name "{name}": it may mean {candidates}',
    hint: 'give one of these names in full',
    exitStatus: 125,
    httpStatus: 400,
  },
  'certificates-unreadable': {
    message: 'read the certificates for {registry} from {path}: {reason}',
    hint: 'files that end in .crt are authorities to trust; one that ends in .cert is shown to the registry, with the .key of the same name',
    exitStatus: 125,
    httpStatus: 500,
  },
  'credentials-unreadable': {
    message: 'read registry credentials from {path}: {reason}',
    exitStatus: 125,
    httpStatus: 500,
  },
  'login-unknown': {
    message: 'log out of {registry}: there are no credentials for it',
    hint: 'see which there are: REGISTRY_AUTH_FILE, ~/.config/containers/auth.json, ~/.docker/config.json',
    exitStatus: 125,
    httpStatus: 404,
  },
  'credential-helper-failed': {
    message: 'ask {program} for the credentials of {registry}: {reason}',
    hint: 'run `{program} get` by hand with the name of the registry on its standard input',
    exitStatus: 125,
    httpStatus: 500,
  },
} as const;
