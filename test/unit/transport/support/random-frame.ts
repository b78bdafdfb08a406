import {
  FrameKind,
  type Frame,
  type RowOp,
  type WireError,
  type WireRow,
} from '../../../../lib/transport/frame.js';
import { nodeIdOf, type Hello, type NodeInfo } from '../../../../lib/transport/node-info.js';
import type { Random } from './random.js';

export function row(random: Random): WireRow {
  const args = random.bool() ? null : new Uint8Array(random.bytes(random.below(30)));
  return [
    random.name(),
    random.name(),
    args,
    random.below(2 ** 50),
    random.name(),
    random.list(3, () => random.name()),
    random.below(5),
    random.below(4),
  ];
}

function error(random: Random): WireError {
  return random.bool()
    ? { code: 'E', message: random.name() }
    : { code: 'E', message: 'm'.repeat(2000), details: { a: [1, { b: 'x' }], d: undefined } };
}

function rowOp(random: Random): RowOp {
  return random.pick<() => RowOp>([
    () => [0, row(random)],
    () => [1, random.name(), random.below(3)],
    () => [2, random.name(), random.below(5), random.list(3, () => random.name())],
    () => [3, random.name(), random.name(), random.bool()],
  ])();
}

/** One frame of every kind. */
export function frames(random: Random): Frame[] {
  const whole = (): number =>
    random.pick([0, 1, 127, 128, 2 ** 31, 2 ** 32 + 5, Number.MAX_SAFE_INTEGER, random.below(1000)]);
  const names = (): string[] => random.list(3, () => random.name());
  const request = (): { id: number; timeoutMs: number; name: string } => ({
    id: whole(),
    timeoutMs: random.next() * 1e4,
    name: random.name(),
  });
  const message = (): { pattern: string; from: string; body: Buffer } => ({
    pattern: random.name(),
    from: random.bool() ? '' : random.name(),
    body: random.bytes(random.pick([0, 5, 300])),
  });
  const rows = { rows: random.list(3, () => row(random)), first: random.bool(), last: random.bool() };
  const bytes = (): Buffer | null => (random.bool() ? null : random.bytes(9));
  /** None, an empty one, which is another thing, one that is copied into the head, or one that is not. */
  const state = (): Buffer | null =>
    random.bool() ? null : Buffer.alloc(random.pick([0, 5, 17_000]), random.below(256));
  const errorOrNone = (): WireError | null => (random.bool() ? null : error(random));
  return [
    {
      kind: FrameKind.Ping,
      id: whole(),
      stamp: whole(),
      incarnation: whole(),
      seq: random.bool() ? null : whole(),
      digest: -5,
      delayMs: random.below(5_000),
    },
    { kind: FrameKind.Pong, id: whole(), view: whole() },
    {
      kind: FrameKind.Status,
      status: random.pick(['joining', 'up', 'leaving', 'left'] as const),
      roll: whole(),
    },
    { kind: FrameKind.Have, incarnation: whole(), seq: whole() },
    {
      kind: FrameKind.Batch,
      incarnation: whole(),
      from: whole(),
      waits: random.bool(),
      ops: random.list(4, () => rowOp(random)),
    },
    { kind: FrameKind.BatchAck, seq: whole() },
    { kind: FrameKind.Snapshot, incarnation: whole(), seq: whole(), ...rows },
    {
      kind: FrameKind.Adopted,
      roll: whole(),
      established: random.bool(),
      fenced: random.list(3, () => [random.name(), whole()] as const),
      missing: random.list(2, () => nodeInfo(random)),
    },
    {
      kind: FrameKind.Roll,
      roll: whole(),
      asks: random.pick(['nothing', 'digest', 'members'] as const),
      members: random.list(3, () => nodeInfo(random)),
    },
    {
      kind: FrameKind.View,
      version: whole(),
      members: random.list(3, () => nodeInfo(random)),
      missing: random.list(2, () => nodeInfo(random)),
    },
    { kind: FrameKind.Lost, node: random.name(), incarnation: whole(), seq: whole() },
    {
      kind: FrameKind.Orphans,
      node: random.name(),
      incarnation: whole(),
      seq: whole(),
      says: random.pick(['left', 'shown', 'asked', 'over'] as const),
      ...rows,
    },
    {
      kind: FrameKind.Forgotten,
      registrations: random.list(3, () => [random.name(), random.name()] as const),
    },
    {
      kind: FrameKind.Register,
      ...request(),
      type: random.name(),
      args: bytes(),
      registration: random.name(),
    },
    { kind: FrameKind.Reserve, ...request(), registration: random.name(), strict: random.bool() },
    { kind: FrameKind.Unregister, ...request(), registration: random.name() },
    { kind: FrameKind.Locate, ...request() },
    { kind: FrameKind.Recall, ...request(), registration: random.name() },
    { kind: FrameKind.Group, ...request(), group: random.name(), joins: random.bool() },
    {
      kind: FrameKind.Response,
      id: whole(),
      outcome: random.pick(['ok', 'error', 'elsewhere'] as const),
      node: random.bool() ? null : random.name(),
      row: random.bool() ? null : row(random),
      error: errorOrNone(),
    },
    { kind: FrameKind.Call, ...request(), ...message(), hops: random.below(4), chain: names() },
    { kind: FrameKind.Cast, name: random.name(), ...message(), hops: random.below(4) },
    {
      kind: FrameKind.Answer,
      id: whole(),
      body: random.bytes(20),
      error: errorOrNone(),
      ...(random.bool() && { goodForMs: random.below(3_000) }),
    },
    { kind: FrameKind.Publish, names: names(), ...message() },
    {
      kind: FrameKind.MultiCall,
      id: whole(),
      timeoutMs: 5.5,
      group: random.name(),
      names: names(),
      ...message(),
      chain: names(),
    },
    {
      kind: FrameKind.MultiAnswer,
      id: whole(),
      parts: whole(),
      results: random.list(3, () => [random.name(), bytes(), errorOrNone()] as const),
      ...(random.bool() && { goodForMs: random.below(3_000) }),
    },
    {
      kind: FrameKind.Prepare,
      timeoutMs: random.next() * 1e4,
      arrivals: random.list(4, () => [row(random), state()] as const),
    },
    {
      kind: FrameKind.Prepared,
      results: random.list(
        3,
        () =>
          [
            random.name(),
            whole(),
            random.pick(['ready', 'refused', 'failed'] as const),
            `${random.name()} threw`,
          ] as const,
      ),
    },
    {
      kind: FrameKind.Decide,
      decisions: random.list(3, () => [random.name(), whole(), random.below(2), names()] as const),
    },
    { kind: FrameKind.Undecided, arrivals: random.list(3, () => [random.name(), whole()] as const) },
    {
      kind: FrameKind.Offer,
      offers: random.list(4, () => [random.name(), whole(), whole(), state() ?? random.bytes(0)] as const),
    },
    {
      kind: FrameKind.Offered,
      results: random.list(3, () => [random.name(), whole(), random.below(2)] as const),
    },
    { kind: FrameKind.Farewell },
    { kind: FrameKind.LastWord },
    { kind: FrameKind.Suspect, node: random.name(), incarnation: whole(), fence: random.bool() },
    {
      kind: FrameKind.Verdict,
      node: random.name(),
      incarnation: whole(),
      fence: random.bool(),
      verdict: random.pick(['hears', 'silent', 'fenced', 'abstains'] as const),
      ackedAgoMs: random.below(10_000),
      seq: whole(),
      released: random.bool(),
    },
    {
      kind: FrameKind.Relay,
      from: random.name(),
      to: random.name(),
      link: whole(),
      frame: random.pick([
        { kind: FrameKind.Farewell } as const,
        { kind: FrameKind.Lost, node: random.name(), incarnation: whole(), seq: whole() } as const,
        { kind: FrameKind.Call, ...request(), ...message(), hops: random.below(4), chain: names() } as const,
        { kind: FrameKind.Answer, id: whole(), body: random.bytes(20_000), error: null } as const,
      ]),
    },
    {
      kind: FrameKind.RelayControl,
      from: random.name(),
      to: random.name(),
      link: whole(),
      step: random.pick(['open', 'accept', 'confirm', 'close'] as const),
      hello: random.bool() ? null : hello(random),
      refusal: random.bool() ? null : { code: 'fenced', message: random.name(), incarnation: whole() },
    },
  ];
}

export function nodeInfo(random: Random): NodeInfo {
  const address = { host: 'h', port: random.below(65_536) };
  const name = random.name();
  return {
    ...address,
    id: nodeIdOf(name, address),
    name,
    incarnation: random.below(1_000_000),
    firstIncarnation: random.below(1_000),
    leaseMs: random.below(10_000),
    weight: 1 + random.below(9),
    labels: random.bool() ? {} : { zone: random.name() },
    hosting: random.bool(),
    types: random.list(3, () => random.name()),
    quorums: random.bool() ? {} : { Once: 1 + random.below(4) },
  };
}

export function hello(random: Random): Hello {
  const node = nodeInfo(random);
  return {
    cluster: 'c',
    protocol: { min: 1, max: 1 },
    node,
    status: random.pick(['joining', 'up']),
    roll: random.below(2 ** 31),
  };
}
