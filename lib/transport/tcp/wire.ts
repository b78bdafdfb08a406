import { Buffer } from 'node:buffer';

/**
 * What stands on the wire. A connection starts with the preamble, from both sides. Then only *units*:
 * `u32 length (little-endian, of what follows) · u8 kind · body`. A unit's kind is a `FrameKind` or one of these.
 */
export const UnitKind = {
  /** Dialler to acceptor, first. All of the handshake is JSON, so that versions can differ in what they know. */
  Hello: 200,
  /** The acceptor's hello: it would link. */
  Welcome: 201,
  /** The acceptor's hello: it has the smaller id and will dial itself. */
  Nudge: 202,
  /** The acceptor's hello: it is the dialler. */
  Self: 203,
  /** Either side's refusal; the connection ends. */
  Refuse: 204,
  /** The dialler's consent; the link is open. */
  Confirm: 205,
  /** Start of a frame that is sent in pieces: `u32 transfer · u8 frame kind · u32 length of all · data`. */
  FirstFragment: 206,
  /** `u32 transfer · data`. */
  NextFragment: 207,
  /** `u32 count`: so many fragments were received, so many more may come. */
  Credit: 208,
  /** UTF-8 text: why the sender closes the link. */
  Bye: 209,
  /** 32 bytes that were never used before. First from either side where the swarm has a secret. */
  Challenge: 210,
  /** UTF-8 text, not proved: why the sender takes the other side for a stranger; the connection ends. */
  Stranger: 211,
  /** 32 bytes: the answer to a challenge. Nothing that is longer is taken before it; what follows is proved as well. */
  Proof: 212,
} as const;

/** Whether a unit is a whole frame, whose kind is below those of all other units. */
export function isFrame(kind: number): boolean {
  return kind < UnitKind.Hello;
}

/** First bytes from either side: no text protocol starts like this. The last byte is the version of the framing. */
export const PREAMBLE = Buffer.from([0x93, 0x53, 0x57, 0x41, 0x52, 0x4d, 0x0a, 0x01]);

/** Length and kind. */
export const UNIT_HEADER_BYTES = 5;

/** Most bytes of a fragment. */
export const FRAGMENT_BYTES = 64 * 1024;

/** Frames that are larger travel in fragments: a body of 64 KiB and what stands before it still go in one piece. */
export const WHOLE_FRAME_BYTES = FRAGMENT_BYTES + 4096;

/** Largest unit of a link: a frame that is just not fragmented, or a fragment. */
export const MAX_UNIT_BYTES = 1 + WHOLE_FRAME_BYTES;

/** Longest text of a `Stranger`. */
export const MAX_STRANGER_BYTES = 256;

/** Largest unit of a handshake before the other side has proved anything. */
export const MAX_UNPROVED_BYTES = 1 + MAX_STRANGER_BYTES;

/** Largest unit of a handshake: the hello of a node with thousands of types of workers. */
export const MAX_HANDSHAKE_BYTES = 1024 * 1024;

/**
 * Fragments that may be on their way. Few, so that a ping never waits behind more than 2 MiB of them, 17 ms at 1 Gbit/s;
 * enough that a state of some megabytes does not wait for busy event loops at both ends again and again.
 */
export const FRAGMENT_WINDOW = 32;

/**
 * Of each lane one frame may be under way in fragments, whatever the other lanes do, so that none starves another. Of
 * answers, which do not wait for each other, so many.
 */
export const ANSWER_TRANSFERS = 8;

/** And more than one of them only if they are not larger than this together. */
export const ANSWER_BUDGET_BYTES = 128 * 1024 * 1024;

/** What a frame may have besides a body of `maxPayloadBytes`. */
const FRAME_SLACK_BYTES = 16 * 1024 * 1024;

/** Largest frame: two payloads, as a frame may carry several answers or states, and room for what is not payload. */
export function maxFrameBytes(maxPayloadBytes: number): number {
  return 2 * maxPayloadBytes + FRAME_SLACK_BYTES;
}

/** One unit as bytes, for what is not frequent. */
export function unitOf(kind: number, body: Uint8Array): Buffer {
  const unit = Buffer.allocUnsafe(UNIT_HEADER_BYTES + body.length);
  unit.writeUInt32LE(1 + body.length, 0);
  unit[4] = kind;
  unit.set(body, UNIT_HEADER_BYTES);
  return unit;
}
