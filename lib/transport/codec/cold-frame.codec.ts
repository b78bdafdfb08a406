import { FrameKind, type Frame } from '../frame.js';
import type { ByteReader } from './byte.reader.js';
import type { ByteWriter } from './byte.writer.js';
import {
  bit,
  flag,
  goodFor,
  hello,
  keptBytes,
  list,
  nodeInfo,
  nullable,
  oneOf,
  reason,
  refusal,
  row,
  rowOp,
  rows,
  text,
  texts,
  timeout,
  tuple,
  viewedBytes,
  whole,
  wireError,
  type Field,
} from './field.codec.js';

/** Frames that `frame.codec.ts` lays out by hand, because most of what a link carries are these. */
export type HotKind =
  'Ping' | 'Pong' | 'BatchAck' | 'Call' | 'Cast' | 'Answer' | 'Publish' | 'MultiCall' | 'Relay';

/** Frames that `bulk-frame.codec.ts` lays out, because what they carry is large. */
export type BulkKind = 'Prepare' | 'Offer';

type ColdFrame = Exclude<Frame, { readonly kind: (typeof FrameKind)[HotKind | BulkKind] }>;

/** Every field of a frame but its kind. The order in which they are written here is their order on the wire. */
type FieldsOf<F> = { readonly [K in Exclude<keyof F, 'kind'>]-?: Field<F[K]> };

/** A missing field, or one of the wrong type, does not compile. */
const LAYOUTS: { readonly [F in ColdFrame as F['kind']]: FieldsOf<F> } = {
  [FrameKind.Status]: { status: oneOf('joining', 'up', 'leaving', 'left'), roll: whole },
  [FrameKind.Have]: { incarnation: whole, seq: whole },
  [FrameKind.Batch]: { incarnation: whole, from: whole, waits: flag, ops: list(rowOp) },
  [FrameKind.Snapshot]: { incarnation: whole, seq: whole, first: flag, last: flag, rows },
  [FrameKind.Adopted]: {
    roll: whole,
    established: flag,
    fenced: list(tuple(text, whole)),
    missing: list(nodeInfo),
  },
  [FrameKind.Roll]: { roll: whole, asks: oneOf('nothing', 'digest', 'members'), members: list(nodeInfo) },
  [FrameKind.View]: { version: whole, members: list(nodeInfo), missing: list(nodeInfo) },
  [FrameKind.Lost]: { node: text, incarnation: whole, seq: whole },
  [FrameKind.Orphans]: {
    node: text,
    incarnation: whole,
    seq: whole,
    says: oneOf('left', 'shown', 'asked', 'over'),
    first: flag,
    last: flag,
    rows,
  },
  [FrameKind.Forgotten]: { registrations: list(tuple(text, text)) },
  [FrameKind.Register]: {
    id: whole,
    timeoutMs: timeout,
    name: text,
    type: text,
    args: nullable(keptBytes),
    registration: text,
  },
  [FrameKind.Reserve]: {
    id: whole,
    timeoutMs: timeout,
    name: text,
    registration: text,
    strict: flag,
  },
  [FrameKind.Unregister]: { id: whole, timeoutMs: timeout, name: text, registration: text },
  [FrameKind.Locate]: { id: whole, timeoutMs: timeout, name: text },
  [FrameKind.Recall]: { id: whole, timeoutMs: timeout, name: text, registration: text },
  [FrameKind.Group]: { id: whole, timeoutMs: timeout, name: text, group: text, joins: flag },
  [FrameKind.Response]: {
    id: whole,
    outcome: oneOf('ok', 'error', 'elsewhere'),
    node: nullable(text),
    row: nullable(row),
    error: nullable(wireError),
  },
  [FrameKind.MultiAnswer]: {
    id: whole,
    parts: whole,
    results: list(tuple(text, nullable(viewedBytes), nullable(wireError))),
    goodForMs: goodFor,
  },
  [FrameKind.Prepared]: {
    results: list(tuple(text, whole, oneOf('ready', 'refused', 'failed'), reason)),
  },
  [FrameKind.Decide]: { decisions: list(tuple(text, whole, bit, texts)) },
  [FrameKind.Undecided]: { arrivals: list(tuple(text, whole)) },
  [FrameKind.Offered]: { results: list(tuple(text, whole, bit)) },
  [FrameKind.Farewell]: {},
  [FrameKind.LastWord]: {},
  [FrameKind.Suspect]: { node: text, incarnation: whole, fence: flag },
  [FrameKind.Verdict]: {
    node: text,
    incarnation: whole,
    fence: flag,
    verdict: oneOf('hears', 'silent', 'fenced', 'abstains'),
    ackedAgoMs: timeout,
    seq: whole,
    released: flag,
  },
  [FrameKind.RelayControl]: {
    from: text,
    to: text,
    link: whole,
    step: oneOf('open', 'accept', 'confirm', 'close'),
    hello: nullable(hello),
    refusal: nullable(refusal),
  },
};

type AnyLayout = ReadonlyArray<readonly [key: string, field: Field<unknown>]>;
const BY_KIND: ReadonlyMap<number, AnyLayout> = new Map(
  Object.entries(LAYOUTS).map(([kind, fields]) => [
    Number(kind),
    Object.entries(fields) as unknown as AnyLayout,
  ]),
);

/** Writes a frame field by field. @throws RangeError for a number that no frame may carry */
export function writeColdFrame(out: ByteWriter, frame: Frame): void {
  for (const [key, field] of layoutOf(frame.kind)) {
    field.write(out, (frame as unknown as Record<string, unknown>)[key]);
  }
}

/** Reads what `writeColdFrame` wrote. @throws MalformedFrameError */
export function readColdFrame(kind: number, reader: ByteReader): Frame {
  const frame: Record<string, unknown> = { kind };
  for (const [key, field] of layoutOf(kind)) {
    const value = field.read(reader, key);
    if (value !== undefined) frame[key] = value;
  }
  return frame as unknown as Frame;
}

function layoutOf(kind: number): AnyLayout {
  return BY_KIND.get(kind) ?? [];
}
