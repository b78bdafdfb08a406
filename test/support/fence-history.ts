// What nodes and callers write down of workers under a quorum, so that promise P2 can be proved afterwards: the same
// records from the simulation, in virtual time, and from real processes, which share the monotonic clock of a machine.

/** What every record says. `at`: nanoseconds on a clock that all writers of a history share. */
interface Written {
  readonly name: string;
  /** Fence of the activation that it is about. */
  readonly fence: number;
  readonly at: bigint;
  /** Node that has written it. */
  readonly node: string;
}

/** The node was allowed to begin a message of that activation: the time is that of the check. */
export interface BeginRecord extends Written {
  readonly kind: 'begin';
}

/** A caller has accepted an answer of that activation: the time is that at which its promise resolved. */
export interface AnswerRecord extends Written {
  readonly kind: 'answer';
  /** When the handler that has answered ended. */
  readonly endedAt?: bigint;
}

/** That activation goes on with the state of another, which was paused and asked for it: an ordinary move. */
export interface ResumeRecord extends Written {
  readonly kind: 'resume';
  /** Fence of the one whose state it is. */
  readonly from: number;
}

/** That activation has ended because its registration did: what was answered before is history, not lost. */
export interface EndRecord extends Written {
  readonly kind: 'end';
}

export type FenceRecord = BeginRecord | AnswerRecord | ResumeRecord | EndRecord;

const NS_PER_MS = 1e6;

/** A time of `performance.now()` of this process as one of the machine's monotonic clock, `process.hrtime.bigint()`. */
export function machineTime(ms: number): bigint {
  return originOfPerformance + nanoseconds(ms);
}

/** Milliseconds, with fractions, as nanoseconds. */
export function nanoseconds(ms: number): bigint {
  return BigInt(Math.round(ms * NS_PER_MS));
}

/** One record as a line of a JSON-lines file, with its end. */
export function lineOf(record: FenceRecord): string {
  const plain = JSON.stringify(record, (_, value: unknown) =>
    typeof value === 'bigint' ? value.toString() : value,
  );
  return `${plain}\n`;
}

/** @throws Error that says what is wrong with the line */
export function recordOf(line: string): FenceRecord {
  const fields = JSON.parse(line) as Partial<Record<string, unknown>> | null;
  const { kind, name, fence, node } = fields ?? {};
  if (typeof name !== 'string' || typeof node !== 'string') throw new Error('name and node must be strings');
  const written = { name, fence: fenceOf('fence', fence), at: timeOf('at', fields?.['at']), node };
  switch (kind) {
    case 'begin':
    case 'end':
      return { kind, ...written };
    case 'resume':
      return { kind, ...written, from: fenceOf('from', fields?.['from']) };
    case 'answer': {
      const endedAt = fields?.['endedAt'];
      return { kind, ...written, ...(endedAt !== undefined && { endedAt: timeOf('endedAt', endedAt) }) };
    }
    default:
      throw new Error(`kind must be begin, answer, resume or end, not ${JSON.stringify(kind)}`);
  }
}

function fenceOf(field: string, value: unknown): number {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value;
  throw new Error(`${field} must be a safe integer, not ${JSON.stringify(value)}`);
}

function timeOf(field: string, value: unknown): bigint {
  if (typeof value === 'string' && /^-?\d+$/.test(value)) return BigInt(value);
  throw new Error(`${field} must be nanoseconds as a string of decimal digits, not ${JSON.stringify(value)}`);
}

/** How often the two clocks are read together. */
const READINGS = 100;

const originOfPerformance = readOrigin();

/**
 * Both clocks go at the same rate. The process may lose its core between two readings, for longer than anything takes that
 * is judged by these times: the closest of many counts.
 */
function readOrigin(): bigint {
  let closest: { readonly width: bigint; readonly origin: bigint } | undefined;
  for (let reading = 0; reading < READINGS; reading++) {
    const before = process.hrtime.bigint();
    const between = nanoseconds(performance.now());
    const width = process.hrtime.bigint() - before;
    if (!closest || width < closest.width) closest = { width, origin: before + width / 2n - between };
  }
  return closest!.origin;
}
