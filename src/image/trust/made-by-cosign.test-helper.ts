// SPDX-License-Identifier: Apache-2.0
// Signatures that cosign 2.6.2 made, with `cosign generate-key-pair` and `cosign sign --key cosign.key --tlog-upload=false`, the
// bundle with `--new-bundle-format`: what another implementation than ours takes for a signature.
import type { Digest } from '../../model/index.ts';

export const signedDigest: Digest = 'sha256:de5345303bf999c49870ed5f30ab8199f10023910d1e5c8b0e9ce315b188e8dd' as Digest;
export const signedRepository: string = '127.0.0.1:17555/team/signed';
export const publicKeyPem: string =
  '-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE1HoM4mW5w60Rl+dmT+Qc/p7X64F8\nGZGaxsev61bCJtw6m1jEwC6/Qom68VTD5L90Ye0EANfpOiWOo0r84LQKXg==\n-----END PUBLIC KEY-----\n';
export const payload: Buffer = Buffer.from(
  '{"critical":{"identity":{"docker-reference":"127.0.0.1:17555/team/signed"},"image":{"docker-manifest-digest":"sha256:de5345303bf999c49870ed5f30ab8199f10023910d1e5c8b0e9ce315b188e8dd"},"type":"cosign container image signature"},"optional":null}',
);
export const signature: Buffer = Buffer.from(
  'MEUCIQCmaOZmv/g7nF52EYXVnLC0HMdw2GaYXjCW67zpXN+qXgIgYNkxxoD/OSndi697scsAKwSkNk2Riz5PsTqEbo1wwvE=',
  'base64',
);
export const bundle: Buffer = Buffer.from(
  '{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json", "verificationMaterial":{"publicKey":{"hint":"e8ZiE86sfgotC3QjZ7ZlALQVpSUSCNvDCtPq26/ojwU="}}, "dsseEnvelope":{"payload":"eyJfdHlwZSI6Imh0dHBzOi8vaW4tdG90by5pby9TdGF0ZW1lbnQvdjEiLCAic3ViamVjdCI6W3siZGlnZXN0Ijp7InNoYTI1NiI6ImRlNTM0NTMwM2JmOTk5YzQ5ODcwZWQ1ZjMwYWI4MTk5ZjEwMDIzOTEwZDFlNWM4YjBlOWNlMzE1YjE4OGU4ZGQifX1dLCAicHJlZGljYXRlVHlwZSI6Imh0dHBzOi8vc2lnc3RvcmUuZGV2L2Nvc2lnbi9zaWduL3YxIn0=", "payloadType":"application/vnd.in-toto+json", "signatures":[{"sig":"MEUCIHqOTl4cqFC93XJIBsjDR/jJ8hYb+bGelCtBqTVW1ACbAiEA/RqHWSJuwDk5H/tkHSiqJfpob2RGVfuzc3jT7Yha7WY="}]}}',
);
