import type { PeerCertificate, SecureContextOptions } from 'node:tls';

/** How links between nodes are encrypted: options of `node:tls`, the same for dialling and for listening. */
export type SwarmTlsOptions = Pick<
  SecureContextOptions,
  'key' | 'cert' | 'ca' | 'pfx' | 'passphrase' | 'crl' | 'ciphers' | 'minVersion' | 'maxVersion'
> & {
  /**
   * Whether a node that dials has to show a certificate that `ca` vouches for, as the one that is dialled always has.
   *
   * @default true
   */
  readonly requestCert?: boolean | undefined;
  /**
   * The name that the certificate of every node has to carry, where all share one, or addresses change. By default that of
   * the host that is dialled.
   */
  readonly servername?: string | undefined;
  /** Decides about a certificate instead; returns what is wrong with it. */
  readonly checkServerIdentity?:
    ((hostname: string, certificate: PeerCertificate) => Error | undefined) | undefined;
};
