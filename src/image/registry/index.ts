// SPDX-License-Identifier: Apache-2.0
// Images from registries, and the credentials to get at them.
export { createCredentialLookup, type CredentialLookup, noCredentials } from './credentials.ts';
export type { Credentials } from './credentials-file.ts';
export { checkLogin } from './check-login.ts';
export { type CredentialScope, dropAllCredentials, dropCredentials, keepCredentials } from './keep-credentials.ts';
export type { ForeignLayers } from './open-blob.ts';
export type { RegistrySource } from './place-source.ts';
export { createRegistrySource, type RegistrySourceOptions } from './source.ts';
