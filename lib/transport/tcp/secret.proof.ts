// Proves on each connection that both sides know the swarm's secret, before anything that the other side says of itself is
// parsed. Challenge and response after ISO/IEC 9798-4: the answer to a challenge is a proof of a fixed length, before which
// nothing longer is taken, and nothing else said. The dialler's comes first: who only connects gets nothing from which a
// secret could be guessed. Then each message carries an HMAC-SHA256 over both sides' fresh nonces, the role and the kind,
// the proof of the message before it, and its own bytes, which name the ids of both sides. A recorded message is worthless
// on another connection, and one that is sent back proves nothing.
import { Buffer } from 'node:buffer';
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { HandshakeStrangerError } from './handshake-stranger.error.js';
import { UnitKind } from './wire.js';

/** As long as the hash: a longer nonce would add nothing. */
export const NONCE_BYTES = 32;
/** What HMAC-SHA256 gives. */
export const PROOF_BYTES = 32;

/** Keys for other purposes are derived from the same secret under other names. */
const KEY_NAME = 'nestjs-swarm handshake 1';

const NOTHING = Buffer.alloc(0);
/** Stands for the proof before the first. */
const NO_PROOF = Buffer.alloc(PROOF_BYTES);

/** Who of the two has dialled. */
export type HandshakeRole = 'dialler' | 'acceptor';

/** The keys of a swarm: the first proves, all are accepted, so that a secret can be replaced node by node. */
export class SecretKeys {
  private readonly keys: readonly Buffer[];

  constructor(secrets: readonly string[]) {
    this.keys = secrets.map((secret) => createHmac('sha256', secret).update(KEY_NAME).digest());
  }

  get isEmpty(): boolean {
    return this.keys.length === 0;
  }

  /** The proofs of one connection. */
  proof(role: HandshakeRole): SecretProof {
    return new SecretProof(this.keys, role);
  }
}

/** What one side of one connection proves and checks. Used once. */
export class SecretProof {
  /** What this side says first. */
  readonly nonce = randomBytes(NONCE_BYTES);
  private other: Buffer | undefined;
  private answered = false;
  private last: Buffer = NO_PROOF;

  constructor(
    private readonly keys: readonly Buffer[],
    readonly role: HandshakeRole,
  ) {}

  /** Whether the other side's nonce has come: nothing can be proved before. */
  get isMet(): boolean {
    return this.other !== undefined;
  }

  /** Whether the other side has shown that it has the secret. */
  get isProved(): boolean {
    return this.answered;
  }

  /** The other side's nonce. @throws HandshakeStrangerError for one that is not fresh */
  meet(nonce: Buffer): void {
    if (this.other !== undefined) throw new HandshakeStrangerError('it challenged twice');
    if (nonce.length !== NONCE_BYTES)
      throw new HandshakeStrangerError(`its nonce has ${nonce.length} bytes, not ${NONCE_BYTES}`);
    if (timingSafeEqual(nonce, this.nonce)) throw new HandshakeStrangerError('it sent back the challenge');
    this.other = Buffer.from(nonce);
  }

  /** The answer to the other side's challenge, as short as the challenge. */
  answer(): Buffer {
    return this.mac(this.key, NO_PROOF, this.role, UnitKind.Proof, NOTHING);
  }

  /** The other side's answer: it has the secret, and may say what is longer. @throws HandshakeStrangerError */
  check(answer: Buffer): void {
    this.assertGood(answer, NO_PROOF, UnitKind.Proof, NOTHING);
    this.answered = true;
  }

  /** The body with its proof before it. */
  sign(kind: number, body: Buffer): Buffer {
    this.last = this.mac(this.key, this.last, this.role, kind, body);
    return Buffer.concat([this.last, body]);
  }

  /** The body without its proof. @throws HandshakeStrangerError */
  verify(kind: number, signed: Buffer): Buffer {
    if (!this.answered) throw new HandshakeStrangerError('it proved nothing before it spoke');
    const given = signed.subarray(0, PROOF_BYTES);
    const body = signed.subarray(PROOF_BYTES);
    this.assertGood(given, this.last, kind, body);
    this.last = Buffer.from(given);
    return body;
  }

  private get key(): Buffer {
    const [key] = this.keys;
    if (key === undefined) throw new Error('there is no secret to prove');
    return key;
  }

  private assertGood(given: Buffer, last: Buffer, kind: number, body: Buffer): void {
    const role = this.role === 'dialler' ? 'acceptor' : 'dialler';
    let isGood = false;
    // All of them, so that time does not tell which one fits.
    for (const key of this.keys) {
      const expected = this.mac(key, last, role, kind, body);
      if (given.length === PROOF_BYTES && timingSafeEqual(given, expected)) isGood = true;
    }
    if (!isGood) throw new HandshakeStrangerError('its secret is another one');
  }

  private mac(key: Buffer, last: Buffer, role: HandshakeRole, kind: number, body: Buffer): Buffer {
    if (this.other === undefined) throw new HandshakeStrangerError('it proved nothing before it spoke');
    const [dialler, acceptor] = this.role === 'dialler' ? [this.nonce, this.other] : [this.other, this.nonce];
    return createHmac('sha256', key)
      .update(dialler)
      .update(acceptor)
      .update(last)
      .update(Buffer.from([role === 'dialler' ? 1 : 2, kind]))
      .update(body)
      .digest();
  }
}
