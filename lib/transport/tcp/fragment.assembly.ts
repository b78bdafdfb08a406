import { Buffer } from 'node:buffer';
import { MalformedFrameError } from '../codec/malformed-frame.error.js';
import { isAnswer, laneOf } from './lane.js';
import {
  ANSWER_BUDGET_BYTES,
  ANSWER_TRANSFERS,
  FRAGMENT_BYTES,
  UnitKind,
  WHOLE_FRAME_BYTES,
} from './wire.js';

/** Frames that share a limit: one lane, of which one may be under way, or the answers. */
interface Group {
  transfers: number;
  bytes: number;
  readonly mostTransfers: number;
  readonly budget: number;
}

interface Transfer {
  readonly group: Group;
  readonly kind: number;
  readonly bytes: Buffer;
  filled: number;
}

/** A frame that was received whole. */
export interface AssembledFrame {
  readonly kind: number;
  readonly body: Buffer;
}

/** Puts frames together that arrive in fragments. Bounded in number and in memory, also against a peer that lies. */
export class FragmentAssembly {
  private readonly transfers = new Map<number, Transfer>();
  private readonly groups = {
    urgent: group(0, 0),
    ordered: group(1, Infinity),
    messages: group(1, Infinity),
    bulk: group(1, Infinity),
    answers: group(ANSWER_TRANSFERS, ANSWER_BUDGET_BYTES),
  };

  constructor(private readonly maxFrameBytes: number) {}

  /** The frame that this fragment completes, if it does. @throws MalformedFrameError */
  add(unit: number, body: Buffer): AssembledFrame | undefined {
    const headerBytes = unit === UnitKind.FirstFragment ? 9 : 4;
    if (body.length <= headerBytes) fail('length', 'has no data');
    const id = body.readUInt32LE(0);
    const transfer = unit === UnitKind.FirstFragment ? this.begin(id, body) : this.transfers.get(id);
    if (transfer === undefined) return fail('transfer', `${id} was not begun`);
    const data = body.subarray(headerBytes);
    if (data.length > FRAGMENT_BYTES || data.length > transfer.bytes.length - transfer.filled) {
      fail('length', `${data.length} bytes are too many`);
    }
    transfer.bytes.set(data, transfer.filled);
    transfer.filled += data.length;
    if (transfer.filled < transfer.bytes.length) return undefined;
    this.transfers.delete(id);
    transfer.group.transfers -= 1;
    transfer.group.bytes -= transfer.bytes.length;
    return { kind: transfer.kind, body: transfer.bytes };
  }

  private begin(id: number, body: Buffer): Transfer {
    const kind = body[4] as number;
    const total = body.readUInt32LE(5);
    const shared = this.groups[isAnswer(kind) ? 'answers' : laneOf(kind)];
    if (this.transfers.has(id)) fail('transfer', `${id} was begun twice`);
    if (shared.transfers >= shared.mostTransfers) {
      fail('transfer', `more than ${shared.mostTransfers} of kind ${kind} are under way`);
    }
    if (total <= WHOLE_FRAME_BYTES || total > this.maxFrameBytes) fail('total', `${total} is out of range`);
    if (shared.bytes > 0 && shared.bytes + total > shared.budget)
      fail('total', 'too many bytes are under way');
    const transfer = { group: shared, kind, bytes: Buffer.allocUnsafeSlow(total), filled: 0 };
    this.transfers.set(id, transfer);
    shared.transfers += 1;
    shared.bytes += total;
    return transfer;
  }
}

function group(mostTransfers: number, budget: number): Group {
  return { transfers: 0, bytes: 0, mostTransfers, budget };
}

function fail(field: string, reason: string): never {
  throw new MalformedFrameError('Fragment', field, reason);
}
