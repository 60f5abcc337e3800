// SPDX-License-Identifier: Apache-2.0
// What can go wrong below HTTP, told apart by what a caller may decide on.

export type HttpFailureKind =
  /** No connection: no such name, no route, refused, timed out. */
  | 'unreachable'
  /** No such name: repeating is no use. */
  | 'unknown-host'
  | 'refused'
  /** The connection was there and broke or fell silent. */
  | 'interrupted'
  /** The peer answered the TLS greeting with something else. */
  | 'not-tls'
  | 'untrusted'
  /** The peer does not accept who this side says it is, or wants it to say so. */
  | 'identity-refused'
  /** What came back is not HTTP. */
  | 'protocol';

export class HttpFailure extends Error {
  readonly kind: HttpFailureKind;

  constructor(kind: HttpFailureKind, reason: string, options: { readonly cause?: unknown } = {}) {
    super(reason, options);
    this.name = 'HttpFailure';
    this.kind = kind;
  }
}

/** The HttpFailure that an error of a request or of a body stands for; undefined when it is no matter of the network. */
export function httpFailureOf(error: unknown): HttpFailure | undefined {
  if (error instanceof HttpFailure) return error;
  if (!(error instanceof Error)) return undefined;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  const kind = error.name === 'HTTPParserError' ? 'protocol' : failureKind(code);
  return kind === undefined ? undefined : new HttpFailure(kind, failureReason(error, code), { cause: error });
}

const unreachable: ReadonlySet<string> = new Set([
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
  'ETIMEDOUT',
  'EADDRNOTAVAIL',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_PRX_TLS',
  // A proxy's refusal to open a tunnel comes as an abortion (undici, lib/dispatcher/proxy-agent.js).
  'UND_ERR_ABORTED',
]);
const interrupted: ReadonlySet<string> = new Set([
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ERR_STREAM_PREMATURE_CLOSE',
  'UND_ERR_SOCKET',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'UND_ERR_DESTROYED',
  'UND_ERR_CLOSED',
  'UND_ERR_RES_CONTENT_LENGTH_MISMATCH',
]);
// OpenSSL's words for plain bytes where a TLS record should be: which one depends on the first bytes of the answer.
const notTls: ReadonlySet<string> = new Set([
  'ERR_SSL_WRONG_VERSION_NUMBER',
  'ERR_SSL_PACKET_LENGTH_TOO_LONG',
  'ERR_SSL_UNKNOWN_PROTOCOL',
  'ERR_SSL_HTTP_REQUEST',
  'EPROTO',
]);
/** Alerts come from the other side (RFC 8446, section 6.2). */
const identityRefused = /^ERR_SSL_.*ALERT_.*(?:CERTIFICATE|UNKNOWN_CA|ACCESS_DENIED)/;
const untrusted =
  /^(?:CERT_|ERR_TLS_CERT_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|INVALID_CA|INVALID_PURPOSE|HOSTNAME_MISMATCH|ERR_SSL_.*CERTIFICATE)/;

function failureKind(code: string): HttpFailureKind | undefined {
  if (code === 'ENOTFOUND') return 'unknown-host';
  if (code === 'ECONNREFUSED') return 'refused';
  if (unreachable.has(code)) return 'unreachable';
  if (interrupted.has(code)) return 'interrupted';
  if (notTls.has(code)) return 'not-tls';
  if (identityRefused.test(code)) return 'identity-refused';
  if (untrusted.test(code)) return 'untrusted';
  if (code.startsWith('UND_ERR_') || code.startsWith('ERR_SSL_')) return 'protocol';
  return undefined;
}

function failureReason(error: Error, code: string): string {
  switch (code) {
    case 'ENOTFOUND':
      return 'there is no such host (ENOTFOUND)';
    case 'EAI_AGAIN':
      return 'the name service does not answer (EAI_AGAIN)';
    case 'ECONNREFUSED':
      return 'the connection was refused (ECONNREFUSED)';
    case 'ECONNRESET':
    case 'UND_ERR_SOCKET':
      return 'the connection was closed in the middle';
    case 'UND_ERR_BODY_TIMEOUT':
      return 'it fell silent in the middle of an answer';
    default:
      return code.startsWith('E') && !code.startsWith('ERR_') ? `${error.message} (${code})` : error.message;
  }
}
