// SPDX-License-Identifier: Apache-2.0
// The messages that munged and its clients exchange over a Unix socket.
export {
  decodeCredentialAnswer,
  decodeEncodeAnswer,
  encodeDecodeRequest,
  encodeEncodeRequest,
  type MungeAnswer,
  mungeHeaderBytes,
  readMungeHeader,
} from './messages.ts';
