import {
  FrameKind,
  type AnswerFrame,
  type CallFrame,
  type Frame,
  type MultiCallFrame,
  type RelayedFrame,
  type RelayFrame,
} from '../frame.js';
import { readOffer, readPrepare, writeOffer, writePrepare } from './bulk-frame.codec.js';
import { ByteReader } from './byte.reader.js';
import { ByteWriter } from './byte.writer.js';
import { readColdFrame, writeColdFrame } from './cold-frame.codec.js';
import { finite, goodFor, nullable, texts, timeout, whole, wireError } from './field.codec.js';
import { MalformedFrameError } from './malformed-frame.error.js';
import { ReceivedPatterns, writeInline, type SentPatterns } from './pattern.table.js';
import { StringCache } from './string.cache.js';

/** A body that is larger is handed on as it is instead of being copied behind its head. */
const COPIED_BODY = 16 * 1024;

/** A frame as bytes: what stands before its body, and the body if that is large. The kind is not among them. */
export interface EncodedFrame {
  readonly kind: number;
  /** Valid until the next frame is encoded. */
  readonly head: Uint8Array;
  /** The frame's own body, or the last of the states that it carries, not copied. */
  readonly tail: Uint8Array | undefined;
}

/** By kind. */
const NAMES: Array<string | undefined> = [];
for (const [name, kind] of Object.entries(FrameKind)) NAMES[kind] = name;
const seqOrNone = nullable(whole);
const errorOrNone = nullable(wireError);

/** Frames to bytes. The frames that carry most messages are laid out by hand, the body last and without a length. */
export class FrameEncoder {
  private readonly out = new ByteWriter();

  /**
   * With `patterns`, the bytes are for that link only, and must be sent in the order in which they were encoded.
   * Without, they are for any link.
   * @throws RangeError for a number that no frame may carry: a fault of the kernel
   */
  encode(frame: Frame, patterns?: SentPatterns): EncodedFrame {
    const { out } = this;
    out.reset();
    const tail = this.encodeInto(out, frame, patterns);
    return { kind: frame.kind, head: out.bytes.subarray(0, out.length), tail };
  }

  /** As `encode`, behind what was written to `out`. Returns the body if that is large: it belongs behind the rest. */
  encodeInto(out: ByteWriter, frame: Frame, patterns?: SentPatterns): Uint8Array | undefined {
    const body = this.write(out, frame, patterns);
    if (body === undefined || body.length > COPIED_BODY) return body;
    out.raw(body);
    return undefined;
  }

  private write(out: ByteWriter, frame: Frame, patterns: SentPatterns | undefined): Uint8Array | undefined {
    switch (frame.kind) {
      case FrameKind.Ping:
        whole.write(out, frame.id);
        whole.write(out, frame.stamp);
        whole.write(out, frame.incarnation);
        seqOrNone.write(out, frame.seq);
        finite.write(out, frame.digest);
        timeout.write(out, frame.delayMs);
        return undefined;
      case FrameKind.Pong:
        whole.write(out, frame.id);
        whole.write(out, frame.view);
        return undefined;
      case FrameKind.BatchAck:
        whole.write(out, frame.seq);
        return undefined;
      case FrameKind.Call:
        writeQuestion(out, frame, frame.name);
        out.uint(frame.hops);
        writePattern(out, frame.pattern, patterns);
        return frame.body;
      case FrameKind.MultiCall:
        writeQuestion(out, frame, frame.group);
        texts.write(out, frame.names);
        writePattern(out, frame.pattern, patterns);
        return frame.body;
      case FrameKind.Cast:
        out.string(frame.name);
        out.string(frame.from);
        out.uint(frame.hops);
        writePattern(out, frame.pattern, patterns);
        return frame.body;
      case FrameKind.Publish:
        texts.write(out, frame.names);
        out.string(frame.from);
        writePattern(out, frame.pattern, patterns);
        return frame.body;
      case FrameKind.Answer:
        whole.write(out, frame.id);
        errorOrNone.write(out, frame.error);
        goodFor.write(out, frame.goodForMs);
        return frame.body;
      case FrameKind.Prepare:
        return writePrepare(out, frame);
      case FrameKind.Offer:
        return writeOffer(out, frame);
      case FrameKind.Relay:
        out.string(frame.from);
        out.string(frame.to);
        whole.write(out, frame.link);
        out.u8(frame.frame.kind);
        // Patterns are numbered per link: a frame that goes on over another carries its own in full.
        return this.write(out, frame.frame, undefined);
      default:
        writeColdFrame(out, frame);
        return undefined;
    }
  }
}

function writeQuestion(out: ByteWriter, frame: CallFrame | MultiCallFrame, to: string): void {
  whole.write(out, frame.id);
  timeout.write(out, frame.timeoutMs);
  out.string(to);
  out.string(frame.from);
  texts.write(out, frame.chain);
}

/** Always the last field: once it is defined nothing can fail any more, so what is defined is also sent. */
function writePattern(out: ByteWriter, pattern: string, patterns: SentPatterns | undefined): void {
  if (patterns === undefined) writeInline(out, pattern);
  else patterns.write(out, pattern);
}

/** Bytes to frames, one per link. Believes nothing: whatever is wrong ends in `MalformedFrameError`. */
export class FrameDecoder {
  private readonly patterns = new ReceivedPatterns();
  private readonly reader = new ByteReader(new StringCache());

  /**
   * The frame stands in `bytes` from `start` to `end`. Bodies of messages and answers, and states, are views of them;
   * what the registry keeps is copied out of them.
   * @throws MalformedFrameError
   */
  decode(kind: number, bytes: Buffer, start = 0, end = bytes.length): Frame {
    const name = NAMES[kind];
    if (name === undefined) throw new MalformedFrameError('Frame', 'kind', `${kind} is no kind of frame`);
    const { reader } = this;
    reader.begin(name, bytes, start, end);
    const frame = this.read(kind, reader);
    reader.done();
    return frame;
  }

  private read(kind: number, reader: ByteReader): Frame {
    switch (kind) {
      case FrameKind.Ping:
        return {
          kind,
          id: reader.uint('id'),
          stamp: reader.uint('stamp'),
          incarnation: reader.uint('incarnation'),
          seq: seqOrNone.read(reader, 'seq'),
          digest: finite.read(reader, 'digest'),
          delayMs: timeout.read(reader, 'delayMs'),
        };
      case FrameKind.Pong:
        return { kind, id: reader.uint('id'), view: reader.uint('view') };
      case FrameKind.BatchAck:
        return { kind, seq: reader.uint('seq') };
      case FrameKind.Call:
        return this.call(reader);
      case FrameKind.MultiCall:
        return this.multiCall(reader);
      case FrameKind.Cast: {
        const name = reader.string('name');
        const from = reader.string('from');
        const hops = reader.uint('hops');
        return { kind, name, from, hops, pattern: this.patterns.read(reader), body: reader.rest() };
      }
      case FrameKind.Publish: {
        const names = texts.read(reader, 'names');
        const from = reader.string('from');
        return { kind, names, from, pattern: this.patterns.read(reader), body: reader.rest() };
      }
      case FrameKind.Answer:
        return this.answer(reader);
      case FrameKind.Prepare:
        return readPrepare(reader);
      case FrameKind.Offer:
        return readOffer(reader);
      case FrameKind.Relay:
        return this.relay(reader);
      default:
        return readColdFrame(kind, reader);
    }
  }

  private call(reader: ByteReader): CallFrame {
    const id = reader.uint('id');
    const timeoutMs = timeout.read(reader, 'timeoutMs');
    const name = reader.string('name');
    const from = reader.string('from');
    const chain = texts.read(reader, 'chain');
    const hops = reader.uint('hops');
    const pattern = this.patterns.read(reader);
    return { kind: FrameKind.Call, id, timeoutMs, name, pattern, from, hops, chain, body: reader.rest() };
  }

  private multiCall(reader: ByteReader): MultiCallFrame {
    const id = reader.uint('id');
    const timeoutMs = timeout.read(reader, 'timeoutMs');
    const group = reader.string('group');
    const from = reader.string('from');
    const chain = texts.read(reader, 'chain');
    const names = texts.read(reader, 'names');
    const pattern = this.patterns.read(reader);
    const body = reader.rest();
    return { kind: FrameKind.MultiCall, id, timeoutMs, group, names, pattern, from, chain, body };
  }

  private answer(reader: ByteReader): AnswerFrame {
    const id = reader.uint('id');
    const error = errorOrNone.read(reader, 'error');
    const goodForMs = goodFor.read(reader, 'goodForMs');
    const body = reader.rest();
    if (goodForMs === undefined) return { kind: FrameKind.Answer, id, error, body };
    return { kind: FrameKind.Answer, id, error, body, goodForMs };
  }

  private relay(reader: ByteReader): RelayFrame {
    const from = reader.string('from');
    const to = reader.string('to');
    const link = reader.uint('link');
    const kind = reader.u8('kind');
    if (NAMES[kind] === undefined || kind === FrameKind.Relay || kind === FrameKind.RelayControl)
      reader.fail('kind', `${kind} is no kind of frame that is relayed`);
    return { kind: FrameKind.Relay, from, to, link, frame: this.read(kind, reader) as RelayedFrame };
  }
}
