/** The other side of a connection could not prove that it belongs to this swarm. Tells why, and never a secret. */
export class HandshakeStrangerError extends Error {
  override readonly name = 'HandshakeStrangerError';
}
