import { checkFences, type Violation } from '../support/fence-history.checker.js';
import { nanoseconds, type FenceRecord } from '../support/fence-history.js';

/** What the worker of a type with a quorum answers. */
export interface FencedAnswer {
  /** Of the message that it answers. */
  readonly token: string;
  readonly fence: number;
  /** How many its state counts, itself included. */
  readonly total: number;
  /** Virtual time at which the handler ended. */
  readonly endedMs: number;
}

/** The fence history of a simulated swarm, in its virtual time. */
export class FenceLog {
  readonly records: FenceRecord[] = [];
  /** Effects that came too late. */
  private readonly late: string[] = [];
  /** By name: what is newest of all that have begun a message, and the first of those it began. */
  private readonly newest = new Map<string, { readonly fence: number; readonly at: number }>();

  constructor(private readonly now: () => number) {}

  began(name: string, fence: number, node: string): void {
    if (fence > (this.newest.get(name)?.fence ?? 0)) this.newest.set(name, { fence, at: this.now() });
    this.records.push({ kind: 'begin', name, fence, at: nanoseconds(this.now()), node });
  }

  resumed(name: string, fence: number, from: number, node: string): void {
    this.records.push({ kind: 'resume', name, fence, from, at: nanoseconds(this.now()), node });
  }

  /** Its registration has ended, and it with it. */
  ended(name: string, fence: number, node: string): void {
    this.records.push({ kind: 'end', name, fence, at: nanoseconds(this.now()), node });
  }

  /** To be called when the promise of the call resolves, before time goes on. */
  accepted(name: string, { fence, endedMs }: FencedAnswer, node: string): void {
    const endedAt = nanoseconds(endedMs);
    this.records.push({ kind: 'answer', name, fence, at: nanoseconds(this.now()), node, endedAt });
  }

  /** A handler could have sent to other workers, or changed a registration: neither was refused. */
  acted(name: string, fence: number, node: string): void {
    const newest = this.newest.get(name);
    if (!newest || newest.fence <= fence || newest.at >= this.now()) return;
    this.late.push(
      `P2: "${name}": ${node} acted under fence ${fence} at ${this.now().toFixed(3)} ms, but one under ${newest.fence} had begun a message at ${newest.at.toFixed(3)} ms`,
    );
  }

  /** Violations of P2, each with everything that happened to its name around it. */
  violations(): string[] {
    const found = checkFences(this.records);
    return [...found.map((violation) => `${violation}\n${this.around(violation)}`), ...this.late];
  }

  /** All of one name from a little before the two records to a little after. */
  private around({ name, late, before }: Violation): string {
    const slack = nanoseconds(500);
    const lines = this.records
      .filter((one) => one.name === name && one.at >= before.at - slack && one.at <= late.at + slack)
      .map(({ at, kind, fence, node }) => `  ${(Number(at) / 1e6).toFixed(3)} ${kind} ${fence} ${node}`);
    return lines.length <= 60
      ? lines.join('\n')
      : [...lines.slice(0, 30), '  …', ...lines.slice(-30)].join('\n');
  }
}
