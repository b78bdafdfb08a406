import { Buffer } from 'node:buffer';
import { messageOf } from '../../errors/thrown.js';
import type { PayloadCodec } from '../payload.interface.js';
import type { RowOp, WireError, WireRow } from '../frame.js';
import type { Hello, NodeInfo, Refusal } from '../node-info.js';
import type { ByteReader } from './byte.reader.js';
import type { ByteWriter } from './byte.writer.js';
import { readHello, readNodeInfo, readRefusal } from './hello.codec.js';
import { createPayloadCodec } from './payload.codec.js';

/** How one field of a frame is written and read. Reading checks the type and the range and fails by the field's name. */
export interface Field<T> {
  write(out: ByteWriter, value: T): void;
  read(reader: ByteReader, field: string): T;
}

/** A text, of a bounded length where it is read. */
export const text: Field<string> = {
  write: (out, value) => out.string(value),
  read: (reader, field) => reader.string(field),
};

/** The longest message of an error that travels: a quarter of what a text may have, as a character can take three bytes. */
const MOST_REASON = 256 * 1024;

/** What somebody's code threw, of any length: cut where it is too long. */
export const reason: Field<string> = {
  write: (out, value) => out.string(value.length > MOST_REASON ? `${value.slice(0, MOST_REASON)}…` : value),
  read: (reader, field) => reader.string(field),
};

/** One byte. */
export const flag: Field<boolean> = {
  write: (out, value) => out.u8(value ? 1 : 0),
  read: (reader, field) => reader.bool(field),
};

/** Counters, stamps, sequence numbers: safe integers from 0 on. */
export const whole: Field<number> = {
  write(out, value) {
    if (!Number.isSafeInteger(value) || value < 0)
      throw new RangeError(`${value} is no safe integer from 0 on`);
    out.uint(value);
  },
  read: (reader, field) => reader.uint(field),
};

/** A whole number from 0 to `most`: the number of a case, or a sum of flags. */
export function upTo(most: number): Field<number> {
  return {
    write(out, value) {
      if (!Number.isInteger(value) || value < 0 || value > most)
        throw new RangeError(`${value} is not from 0 to ${most}`);
      out.uint(value);
    },
    read(reader, field) {
      const value = reader.uint(field);
      return value <= most ? value : reader.fail(field, `${value} is not from 0 to ${most}`);
    },
  };
}

/** A truth value as a number. */
export const bit = upTo(1);

/** Any number but NaN and the infinities. */
export const finite: Field<number> = {
  write: (out, value) => out.f64(value),
  read(reader, field) {
    const value = reader.f64(field);
    return Number.isFinite(value) ? value : reader.fail(field, 'is no finite number');
  },
};

/** Longest wait that is sent: a week, in milliseconds. */
const LONGEST_TIMEOUT_MS = 7 * 24 * 3600 * 1000;

/** Milliseconds that are left: never negative, never endless, whatever the sender's arithmetic gave. */
export const timeout: Field<number> = {
  write: (out, value) => out.f64(value > 0 ? Math.min(value, LONGEST_TIMEOUT_MS) : 0),
  read(reader, field) {
    const value = reader.f64(field);
    return value >= 0 && value <= LONGEST_TIMEOUT_MS ? value : reader.fail(field, `${value} is no timeout`);
  },
};

/** Milliseconds, rounded down: who takes an answer for good a little too short does no harm. Absent: without end. */
export const goodFor: Field<number | undefined> = {
  write(out, value) {
    out.uint(value === undefined ? 0 : Math.min(Math.floor(Math.max(value, 0)), LONGEST_TIMEOUT_MS) + 1);
  },
  read(reader, field) {
    const value = reader.uint(field);
    return value === 0 ? undefined : value - 1;
  },
};

/** Bytes that outlive the frame: copied out of the receive buffer, which would be kept alive by them. */
export const keptBytes: Field<Uint8Array> = {
  write: (out, value) => out.blob(value),
  read: (reader, field) => new Uint8Array(reader.blob(field)),
};

/** Bytes that are used up at once: a view of the receive buffer. */
export const viewedBytes: Field<Uint8Array> = {
  write: (out, value) => out.blob(value),
  read: (reader, field) => reader.blob(field),
};

/** A byte that says whether anything follows. */
export function nullable<T>(inner: Field<T>): Field<T | null> {
  return {
    write(out, value) {
      out.u8(value === null ? 0 : 1);
      if (value !== null) inner.write(out, value);
    },
    read: (reader, field) => (reader.bool(field) ? inner.read(reader, field) : null),
  };
}

/** Their number, which the bytes that are left must allow for, then one after the other. */
export function list<T>(inner: Field<T>): Field<readonly T[]> {
  return {
    write(out, values) {
      out.uint(values.length);
      for (const value of values) inner.write(out, value);
    },
    read(reader, field) {
      const count = reader.count(field);
      const values: T[] = [];
      for (let index = 0; index < count; index += 1) values.push(inner.read(reader, field));
      return values;
    },
  };
}

/** One of a few words, as its number. Append only. */
export function oneOf<T extends string>(...words: readonly T[]): Field<T> {
  return {
    write(out, value) {
      const index = words.indexOf(value);
      if (index < 0) throw new RangeError(`"${value}" is none of ${words.join(', ')}`);
      out.u8(index);
    },
    read: (reader, field) => words[reader.u8(field)] ?? reader.fail(field, `is none of ${words.join(', ')}`),
  };
}

/** Several fields of one item, one behind the other. */
export function tuple<T extends readonly unknown[]>(
  ...fields: { readonly [K in keyof T]: Field<T[K]> }
): Field<T> {
  const items = fields as ReadonlyArray<Field<unknown>>;
  return {
    write(out, values) {
      for (let index = 0; index < items.length; index += 1) items[index]?.write(out, values[index]);
    },
    read(reader, field) {
      const values: unknown[] = [];
      for (const item of items) values.push(item.read(reader, field));
      return values as unknown as T;
    },
  };
}

/** Names of workers, or of groups. */
export const texts = list(text);
const args = nullable(keptBytes);
/** The highest number of a row's status, and the sum of all its flags: more would be a row of another version. */
const status = upTo(4);
const flags = upTo(3);
const untracked = upTo(3);

/** What the parts of a row are called in errors; by the field that holds it, of which there are few. */
const parts = new Map<string, ReturnType<typeof namesOf>>();

function partsOf(field: string): ReturnType<typeof namesOf> {
  let names = parts.get(field);
  if (names === undefined) parts.set(field, (names = namesOf(field)));
  return names;
}

function namesOf(field: string) {
  const part = (name: string): string => `${field}.${name}`;
  return {
    ...{ name: part('name'), type: part('type'), args: part('args'), fence: part('fence') },
    ...{ registration: part('registration'), groups: part('groups'), status: part('status') },
    ...{ flags: part('flags'), why: part('why'), group: part('group'), joins: part('joins') },
  };
}

/** A row of the registry. What it keeps is copied out of the receive buffer. */
export const row: Field<WireRow> = {
  write(out, [name, type, rowArgs, fence, registration, groups, rowStatus, rowFlags]) {
    out.string(name);
    out.string(type);
    args.write(out, rowArgs);
    whole.write(out, fence);
    out.string(registration);
    texts.write(out, groups);
    status.write(out, rowStatus);
    flags.write(out, rowFlags);
  },
  read(reader, field) {
    const at = partsOf(field);
    return [
      reader.string(at.name),
      reader.string(at.type),
      args.read(reader, at.args),
      reader.uint(at.fence),
      reader.string(at.registration),
      texts.read(reader, at.groups),
      status.read(reader, at.status),
      flags.read(reader, at.flags),
    ];
  },
};

/** Rows of the registry. */
export const rows = list(row);

/** A change of one row; see `RowOp`. */
export const rowOp: Field<RowOp> = {
  write(out, op) {
    out.u8(op[0]);
    if (op[0] === 0) {
      row.write(out, op[1]);
    } else if (op[0] === 1) {
      out.string(op[1]);
      untracked.write(out, op[2]);
    } else if (op[0] === 2) {
      out.string(op[1]);
      status.write(out, op[2]);
      texts.write(out, op[3]);
    } else {
      out.string(op[1]);
      out.string(op[2]);
      flag.write(out, op[3]);
    }
  },
  read(reader, field) {
    const kind = reader.u8(field);
    if (kind === 0) return [0, row.read(reader, field)];
    const at = partsOf(field);
    const name = reader.string(at.name);
    if (kind === 1) return [1, name, untracked.read(reader, at.why)];
    if (kind === 2) return [2, name, status.read(reader, at.status), texts.read(reader, at.groups)];
    if (kind === 3) return [3, name, reader.string(at.group), reader.bool(at.joins)];
    return reader.fail(field, `${kind} is no kind of change`);
  },
};

/** As in the handshake of a connection, JSON within the frame: it is rare, and checked by the same rules. */
export const hello: Field<Hello> = {
  write: (out, value) => out.blob(Buffer.from(JSON.stringify(value))),
  read: (reader, field) => readHello(reader.blob(field)),
};

/** As `hello`. */
export const nodeInfo: Field<NodeInfo> = {
  write: (out, value) => out.blob(Buffer.from(JSON.stringify(value))),
  read: (reader, field) => readNodeInfo(reader.blob(field)),
};

/** As `hello`. */
export const refusal: Field<Refusal> = {
  write: (out, value) => out.blob(Buffer.from(JSON.stringify(value))),
  read: (reader, field) => readRefusal(reader.blob(field)),
};

/** Details of errors are plain values; a ref among them would be a fault of the kernel, not of a user. */
const details: PayloadCodec = createPayloadCodec({ refs: { describe: () => undefined, make: () => ({}) } });
const DETAILS_RULES = { root: 'details', instances: 'flatten', maxBytes: 1024 * 1024 } as const;

/** Its details are left out where they cannot travel. */
export const wireError: Field<WireError> = {
  write(out, error) {
    out.string(error.code);
    reason.write(out, error.message);
    out.blob(error.details === undefined ? NOTHING : encodedDetails(error.details));
  },
  read(reader, field) {
    const code = reader.string(`${field}.code`);
    const message = reason.read(reader, `${field}.message`);
    const bytes = reader.blob(`${field}.details`);
    if (bytes.length === 0) return { code, message };
    return { code, message, details: decodedDetails(bytes, reader, `${field}.details`) };
  },
};

const NOTHING = new Uint8Array(0);

/** An error must get through whatever hangs on it: details that cannot travel stay behind. */
function encodedDetails(value: unknown): Uint8Array {
  try {
    return details.encode(value, DETAILS_RULES);
  } catch {
    return NOTHING;
  }
}

function decodedDetails(bytes: Uint8Array, reader: ByteReader, field: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = details.decode(bytes);
  } catch (error) {
    return reader.fail(field, messageOf(error));
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return reader.fail(field, 'is no object');
  return value as Record<string, unknown>;
}
