// Bytes of a broken or hostile peer: whatever comes, a frame or a `MalformedFrameError`, a link to one who has the secret
// or none. `npm run fuzz` runs a million of them; a case is run again by its seed.
import { describe, expect, it } from 'vitest';
import { VirtualRuntime, VirtualScheduler } from '../../lib/runtime/virtual.runtime.js';
import { FrameDecoder, FrameEncoder } from '../../lib/transport/codec/frame.codec.js';
import { MalformedFrameError } from '../../lib/transport/codec/malformed-frame.error.js';
import type { Hello } from '../../lib/transport/node-info.js';
import { AcceptedConnection } from '../../lib/transport/tcp/accepted.connection.js';
import { encodeHandshake } from '../../lib/transport/tcp/handshake.message.js';
import type { LinkBroker } from '../../lib/transport/tcp/link.broker.js';
import { SecretKeys } from '../../lib/transport/tcp/secret.proof.js';
import { DEFAULT_TCP_LIMITS } from '../../lib/transport/tcp/tcp.limits.js';
import { UnitSplitter } from '../../lib/transport/tcp/unit.splitter.js';
import {
  MAX_UNIT_BYTES,
  PREAMBLE,
  UNIT_HEADER_BYTES,
  UnitKind,
  unitOf,
} from '../../lib/transport/tcp/wire.js';
import { Random } from '../unit/transport/support/random.js';
import { frames, hello } from '../unit/transport/support/random-frame.js';
import { FakeSocket } from './fake-socket.js';
import { mutated, pieces } from './mutation.js';

const CASES = Number(process.env['FUZZ_CASES'] ?? 20_000);
const FIRST = Number(process.env['FUZZ_FIRST'] ?? 1);
const TIMEOUT_MS = 3_600_000;
/** Of heap, above what it was after the first cases. */
const GROWTH_LIMIT_BYTES = 64 * 1024 * 1024;

/** Runs the cases, and says of one that failed which it was. */
function forEachSeed(run: (random: Random, seed: number) => void): void {
  let heapAtFirst: number | undefined;
  for (let seed = FIRST; seed < FIRST + CASES; seed++) {
    try {
      run(new Random(seed), seed);
    } catch (error) {
      throw new Error(`FUZZ_FIRST=${seed} FUZZ_CASES=1: ${String(error)}`, { cause: error });
    }
    if (seed - FIRST === Math.min(2_000, CASES >> 1)) heapAtFirst = heapInUse();
  }
  if (heapAtFirst !== undefined) expect(heapInUse() - heapAtFirst).toBeLessThan(GROWTH_LIMIT_BYTES);
}

function heapInUse(): number {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}

/** Frames of every kind, so many of each, as they stand on the wire. */
function unitsOf(count: number): Buffer[] {
  const encoder = new FrameEncoder();
  const made = Array.from({ length: count }, (_, seed) => frames(new Random(seed))).flat();
  return made.map((frame) => {
    const { kind, head, tail } = encoder.encode(frame);
    return unitOf(kind, Buffer.concat(tail === undefined ? [head] : [head, tail]));
  });
}

describe('bytes that come over a link', () => {
  it(
    'become frames or a MalformedFrameError, however they are changed and cut',
    () => {
      const units = unitsOf(24);
      let whole = 0;
      forEachSeed((random) => {
        const unit = random.pick(units);
        const decoder = new FrameDecoder();
        const splitter = new UnitSplitter(MAX_UNIT_BYTES, (unitKind, bytes, start, end) => {
          decoder.decode(unitKind, bytes, start, end);
          whole++;
        });
        try {
          for (const piece of pieces(mutated(Buffer.concat([unit, unit]), random), random))
            splitter.push(piece);
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedFrameError);
        }
      });
      expect(whole).toBeGreaterThan(CASES / 10);
    },
    TIMEOUT_MS,
  );
});

/** An acceptor in virtual time, and the peers it has linked with. */
class Acceptor {
  readonly scheduler = new VirtualScheduler(() => 0.5);
  readonly socket = new FakeSocket();
  readonly linked: Hello[] = [];
  readonly connection: AcceptedConnection;
  ended = 0;

  constructor(own: Hello, keys: SecretKeys) {
    const runtime = new VirtualRuntime(this.scheduler);
    const broker: Pick<
      LinkBroker,
      'runtime' | 'limits' | 'keys' | 'hello' | 'admit' | 'linkOf' | 'openLink' | 'settle'
    > &
      Record<'nudged' | 'refused' | 'refusedBy' | 'garbage' | 'stranger' | 'counted', () => void> = {
      runtime,
      limits: DEFAULT_TCP_LIMITS,
      keys,
      hello: () => own,
      admit: () => undefined,
      linkOf: () => undefined,
      openLink: (peer) => void this.linked.push(peer),
      settle: () => undefined,
      nudged: () => undefined,
      refused: () => undefined,
      refusedBy: () => undefined,
      garbage: () => undefined,
      stranger: () => undefined,
      counted: () => undefined,
    };
    this.connection = new AcceptedConnection(
      this.socket.asSocket,
      broker as unknown as LinkBroker,
      () => void this.ended++,
    );
  }

  receive(bytes: Buffer, random: Random): void {
    for (const piece of pieces(bytes, random)) if (!this.socket.isClosed) this.socket.emit('data', piece);
  }
}

function unitsIn(stream: Buffer): Array<{ kind: number; body: Buffer }> {
  const units: Array<{ kind: number; body: Buffer }> = [];
  for (let at = 0; at < stream.length;) {
    const end = at + 4 + stream.readUInt32LE(at);
    units.push({ kind: stream[at + 4]!, body: stream.subarray(at + UNIT_HEADER_BYTES, end) });
    at = end;
  }
  return units;
}

describe('bytes that come before a link', () => {
  const keys = new SecretKeys(['the secret of the swarm']);
  const [own, peer] = [1, 2].map((seed) => hello(new Random(seed))) as [Hello, Hello];
  // The acceptor answers with a welcome to smaller ids only.
  const [small, large] = own.node.id < peer.node.id ? [own, peer] : [peer, own];

  /** All that a dialler with the secret, or another one, says when it is welcomed. */
  async function played(
    random: Random,
    secret: SecretKeys,
    change: (bytes: Buffer) => Buffer,
  ): Promise<Acceptor> {
    const acceptor = new Acceptor(large, keys);
    const [challenge] = unitsIn(acceptor.socket.take().subarray(PREAMBLE.length));
    const proof = secret.proof('dialler');
    proof.meet(challenge!.body);
    const signed = proof.sign(UnitKind.Hello, encodeHandshake({ kind: UnitKind.Hello, hello: small }));
    const said = [
      PREAMBLE,
      unitOf(UnitKind.Challenge, proof.nonce),
      unitOf(UnitKind.Proof, proof.answer()),
      unitOf(UnitKind.Hello, signed),
    ];
    acceptor.receive(change(Buffer.concat(said)), random);
    const [answer, welcome] = unitsIn(acceptor.socket.take());
    if (answer?.kind === UnitKind.Proof && welcome?.kind === UnitKind.Welcome) {
      proof.check(answer.body);
      proof.verify(UnitKind.Welcome, welcome.body);
      acceptor.receive(unitOf(UnitKind.Confirm, proof.sign(UnitKind.Confirm, Buffer.alloc(0))), random);
    }
    return acceptor;
  }

  it('link one who has the secret', async () => {
    const acceptor = await played(new Random(7), keys, (bytes) => bytes);
    expect(acceptor.linked).toEqual([small]);
  });

  it(
    'link nobody else, and end in time, however they are changed and cut',
    async () => {
      const others = new SecretKeys(['another secret']);
      let heapAtFirst: number | undefined;
      for (let seed = FIRST; seed < FIRST + CASES; seed++) {
        const random = new Random(seed);
        const isStranger = random.bool();
        let isChanged = false;
        const acceptor = await played(random, isStranger ? others : keys, (bytes) => {
          if (isStranger && random.bool()) return bytes;
          const changed = mutated(bytes, random);
          // What comes after the hello is not proved, and is looked at by itself.
          isChanged = !changed.subarray(0, bytes.length).equals(bytes);
          return changed;
        });
        const why = `FUZZ_FIRST=${seed} FUZZ_CASES=1`;
        if (isStranger || isChanged) expect(acceptor.linked, why).toEqual([]);
        await acceptor.scheduler.advance(2 * DEFAULT_TCP_LIMITS.handshakeTimeoutMs);
        expect([acceptor.ended, acceptor.socket.isClosed || acceptor.linked.length === 1], why).toEqual([
          1,
          true,
        ]);
        if (seed - FIRST === Math.min(2_000, CASES >> 1)) heapAtFirst = heapInUse();
      }
      if (heapAtFirst !== undefined) expect(heapInUse() - heapAtFirst).toBeLessThan(GROWTH_LIMIT_BYTES);
    },
    TIMEOUT_MS,
  );
});
