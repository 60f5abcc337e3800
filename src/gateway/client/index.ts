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
