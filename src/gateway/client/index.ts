// SPDX-License-Identifier: Apache-2.0
export {
  createGatewayClient,
  type GatewayAnswer,
  type GatewayClient,
  type GatewayFailure,
  type GatewayRequest,
} from './client.ts';
export { type ImageAnswer, parseJson, readImage, waitingStates } from './image-json.ts';
export { keepLogin, type LoginOptions, loginPayload } from './logins.ts';
export { openUserClient, readUserSite, userLogins, type UserSettings } from './user-client.ts';
export { readIds } from './ids.ts';
export { readImageName } from './image-name.ts';
