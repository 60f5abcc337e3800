// SPDX-License-Identifier: Apache-2.0
// Hooks of configuration files, as parts of a plan.
export { knownHooks } from './effects.ts';
export { hookAdaptations } from './hooks-in-plan.ts';
export { identityOf } from './identity.ts';
export { levelAnnotation, loggingLevel } from './logging-level.ts';
export { settingsOf } from './settings.ts';
export { hostKey, sshKeysDirectory, userKey } from './ssh-keys.ts';
