import { MalformedFrameError } from '../codec/malformed-frame.error.js';
import { FRAGMENT_BYTES, MAX_TRANSFERS, TRANSFER_BUDGET_BYTES, UnitKind, WHOLE_FRAME_BYTES } from './wire.js';

interface Transfer {
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
  private bytes = 0;

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
    this.bytes -= transfer.bytes.length;
    return { kind: transfer.kind, body: transfer.bytes };
  }

  private begin(id: number, body: Buffer): Transfer {
    const total = body.readUInt32LE(5);
    if (this.transfers.has(id)) fail('transfer', `${id} was begun twice`);
    if (this.transfers.size >= MAX_TRANSFERS) fail('transfer', `more than ${MAX_TRANSFERS} are under way`);
    if (total <= WHOLE_FRAME_BYTES || total > this.maxFrameBytes) fail('total', `${total} is out of range`);
    if (this.bytes > 0 && this.bytes + total > TRANSFER_BUDGET_BYTES)
      fail('total', 'too many bytes are under way');
    const transfer = { kind: body[4] as number, bytes: Buffer.allocUnsafeSlow(total), filled: 0 };
    this.transfers.set(id, transfer);
    this.bytes += total;
    return transfer;
  }
}

function fail(field: string, reason: string): never {
  throw new MalformedFrameError('Fragment', field, reason);
}
