import { FrameKind, type OfferFrame, type PrepareFrame, type WireRow } from '../frame.js';
import type { ByteReader } from './byte.reader.js';
import type { ByteWriter } from './byte.writer.js';
import { list, row, text, timeout, tuple, whole } from './field.codec.js';

// Frames that carry states of workers, which are large now and then. All states stand at the end, one behind the other,
// and the last is handed on as it is, like the body of a message: one of 64 MiB is not copied once. Who sends a large
// one sends it in a frame of its own.

/** A row, and how long its state is: 0 for none, else one more than its length. */
const arrivals = list(tuple<[WireRow, number]>(row, whole));
/** Name, the two fences, and how long the state is. */
const offers = list(tuple<[string, number, number, number]>(text, whole, whole, whole));

/** Writes the frame but for its last state, which is returned. */
export function writePrepare(out: ByteWriter, frame: PrepareFrame): Uint8Array | undefined {
  timeout.write(out, frame.timeoutMs);
  arrivals.write(
    out,
    frame.arrivals.map(([arriving, state]) => [arriving, state === null ? 0 : state.length + 1]),
  );
  return writeStates(
    out,
    frame.arrivals.flatMap(([, state]) => state ?? []),
  );
}

/** @throws MalformedFrameError */
export function readPrepare(reader: ByteReader): PrepareFrame {
  const timeoutMs = timeout.read(reader, 'timeoutMs');
  const announced = arrivals.read(reader, 'arrivals');
  return {
    kind: FrameKind.Prepare,
    timeoutMs,
    arrivals: announced.map(([arriving, length]) => [
      arriving,
      length === 0 ? null : reader.view(length - 1, 'arrivals.state'),
    ]),
  };
}

/** Writes the frame but for its last state, which is returned. */
export function writeOffer(out: ByteWriter, frame: OfferFrame): Uint8Array | undefined {
  offers.write(
    out,
    frame.offers.map(([name, winner, loser, state]) => [name, winner, loser, state.length]),
  );
  return writeStates(
    out,
    frame.offers.map(([, , , state]) => state),
  );
}

/** @throws MalformedFrameError */
export function readOffer(reader: ByteReader): OfferFrame {
  const announced = offers.read(reader, 'offers');
  return {
    kind: FrameKind.Offer,
    offers: announced.map(([name, winner, loser, length]) => [
      name,
      winner,
      loser,
      reader.view(length, 'offers.state'),
    ]),
  };
}

function writeStates(out: ByteWriter, states: readonly Uint8Array[]): Uint8Array | undefined {
  for (const state of states.slice(0, -1)) out.raw(state);
  return states.at(-1);
}
