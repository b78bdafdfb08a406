// What nodes say to each other by multicast, and the proof that it was one of this swarm who said it: HMAC-SHA256 under
// a key of its own, derived from the swarm's secret, so that no message of one protocol is one of the other.
import { createHmac, timingSafeEqual } from 'node:crypto';
import { isIP } from 'node:net';

import type { Address } from '../transport/node-info.js';
import { isHostName, isPort } from './peer-address.js';

const MAGIC = Buffer.from('nestjs-swarm 1\n');
const KEY_NAME = 'nestjs-swarm multicast 1';
const PROOF_BYTES = 32;
/** A longer datagram may be cut in pieces on its way, of which one that is lost loses all. */
const MAX_BYTES = 1_200;
const INSTANCE = /^[0-9a-f-]{36}$/;

/** `here`: there is a node, `bye`: there is none any more. */
export type MulticastKind = 'here' | 'bye';

/** What one node says of itself. */
export interface MulticastMessage {
  readonly cluster: string;
  /** Another one for each start of a process. */
  readonly instance: string;
  /** Grows with each message of an instance: what is repeated says nothing. */
  readonly sequence: number;
  readonly kind: MulticastKind;
  readonly address: Address;
}

/** Why a datagram does not count: it is of another program, was not signed with a secret of this swarm, or broken. */
export type MulticastRefusal = 'foreign' | 'unsigned' | 'broken';

/** Writes and reads datagrams. Without a secret they bear no proof: for loopback alone. */
export class MulticastCodec {
  private readonly keys: readonly Buffer[];

  /** @param secrets the first signs, all are accepted */
  constructor(secrets: readonly string[]) {
    this.keys = secrets.map((secret) => createHmac('sha256', secret).update(KEY_NAME).digest());
  }

  /** @throws RangeError if it is too long for one datagram */
  encode({ cluster, instance, sequence, kind, address }: MulticastMessage): Buffer {
    const body = Buffer.from(JSON.stringify([cluster, instance, sequence, kind, address.host, address.port]));
    const [key] = this.keys;
    const proof = key ? proofOf(key, body) : Buffer.alloc(PROOF_BYTES);
    const datagram = Buffer.concat([MAGIC, proof, body]);
    if (datagram.length > MAX_BYTES)
      throw new RangeError(
        `the names of cluster and host take ${datagram.length} bytes, more than the ${MAX_BYTES} of a datagram`,
      );
    return datagram;
  }

  decode(datagram: Buffer): MulticastMessage | MulticastRefusal {
    const start = MAGIC.length + PROOF_BYTES;
    if (datagram.length <= start || datagram.length > MAX_BYTES) return 'foreign';
    if (!datagram.subarray(0, MAGIC.length).equals(MAGIC)) return 'foreign';
    const proof = datagram.subarray(MAGIC.length, start);
    const body = datagram.subarray(start);
    if (this.keys.length > 0 && !this.keys.some((key) => timingSafeEqual(proofOf(key, body), proof)))
      return 'unsigned';
    return messageOf(body) ?? 'broken';
  }
}

function proofOf(key: Buffer, body: Buffer): Buffer {
  return createHmac('sha256', key).update(body).digest();
}

function messageOf(body: Buffer): MulticastMessage | undefined {
  let fields: unknown;
  try {
    fields = JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
  if (!Array.isArray(fields)) return undefined;
  const [cluster, instance, sequence, kind, host, port] = fields as readonly unknown[];
  if (typeof cluster !== 'string') return undefined;
  if (typeof instance !== 'string' || !INSTANCE.test(instance)) return undefined;
  if (!Number.isSafeInteger(sequence)) return undefined;
  if (kind !== 'here' && kind !== 'bye') return undefined;
  if (typeof host !== 'string' || (isIP(host) === 0 && !isHostName(host)) || !isPort(port)) return undefined;
  return { cluster, instance, sequence: sequence as number, kind, address: { host, port } };
}
