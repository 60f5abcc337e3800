// SPDX-License-Identifier: Apache-2.0
// What TLS with one host trusts and shows.
import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls';

/** Beyond what the machine and Node trust. */
export type TlsMaterial = {
  /** PEM, trusted beside the machine's certificate authorities. */
  readonly authorities?: readonly string[];
  /** PEM: what this side shows where the server asks who it is. */
  readonly identity?: { readonly certificate: string; readonly key: string };
  /** Accepts any certificate: for a person, or a site, that asked for it by name. */
  readonly skipsCertificateCheck?: boolean;
};

/** For node:tls. Reading the machine's authorities takes a tenth of a second, once a process. */
export function tlsOptions(material: TlsMaterial): {
  readonly secureContext: SecureContext;
  readonly rejectUnauthorized: boolean;
} {
  // Node trusts the authorities it was built with; a site's own are those of the machine.
  const authorities = new Set([
    ...getCACertificates('default'),
    ...getCACertificates('system'),
    ...(material.authorities ?? []),
  ]);
  const { identity } = material;
  return {
    secureContext: createSecureContext({
      ca: [...authorities],
      ...(identity === undefined ? {} : { cert: identity.certificate, key: identity.key }),
    }),
    rejectUnauthorized: material.skipsCertificateCheck !== true,
  };
}
