// SPDX-License-Identifier: Apache-2.0
export { type GatewayAnswer, type GatewayClient, type GatewayRequest } from './client.ts';
export { type ImageAnswer, readImage, waitingStates } from './image-json.ts';
export { keepLogin, type LoginOptions } from './logins.ts';
export { openUserClient, readUserSite, userLogins, type UserSettings } from './user-client.ts';
export { readIds } from './ids.ts';
export { readImageName } from './image-name.ts';
