// Decides, at the target, when a worker that comes from another node begins (promises P1, P5): it is started and given
// its state at once, and handles nothing before its source has let go of it, or is dead. An arrival is told by its
// fence, so that whatever is said twice or late means the same.
import { messageOf } from '../errors/thrown.js';
import { Deadlines, DueTask } from '../runtime/deadlines.js';
import { runSliced } from '../runtime/slices.js';
import { contentOf, contentOfWire, type Row, type RowContent, RowStatus, Untracked } from '../tracker/row.js';
import {
  FrameKind,
  type DecideFrame,
  type PreparedFrame,
  type PrepareFrame,
  type UndecidedFrame,
  type WireArrival,
} from '../transport/frame.js';
import type { NodeId, NodeInfo } from '../transport/node-info.js';
import { FrameBatches } from './frame-batches.js';
import type { HandoffParts } from './handoff-parts.js';

/** A source that has not decided for this long is asked, again and again. */
const ASK_AFTER_MS = 1_000;

interface Arrival {
  readonly row: Row;
  readonly source: NodeId;
  /** First incarnation of the source's process: another process under its id knows nothing of this arrival. */
  readonly process: number;
  /** Of the source when it was last heard of. */
  incarnation: number;
  readonly since: number;
  /** When it was found to belong here. */
  readonly ringVersion: number;
  /** Its code has run; only the decision is missing. */
  ready: boolean;
  committed: boolean;
  sourceIsDead: boolean;
}

export class Arrivals {
  private readonly arrivals = new Map<string, Arrival>();
  private readonly results: FrameBatches<PreparedFrame['results'][number]>;
  private readonly questions: FrameBatches<UndecidedFrame['arrivals'][number]>;
  private readonly deadlines: Deadlines;
  private askDue = false;

  constructor(private readonly parts: HandoffParts) {
    const { runtime, sender } = parts;
    this.deadlines = new Deadlines(runtime);
    this.results = new FrameBatches(
      runtime,
      sender,
      ([name, , , reason]) => name.length + reason.length + 16,
      (results) => ({ kind: FrameKind.Prepared, results }),
      // The source must have read the row, which was tracked before, when it reads the answer.
      () => parts.stream.log.flush(),
    );
    this.questions = new FrameBatches(
      runtime,
      sender,
      ([name]) => name.length + 16,
      (arrivals) => ({ kind: FrameKind.Undecided, arrivals }),
    );
  }

  get size(): number {
    return this.arrivals.size;
  }

  has(name: string): boolean {
    return this.arrivals.has(name);
  }

  onPrepare(from: NodeId, { arrivals, timeoutMs }: PrepareFrame): void {
    runSliced(this.parts.runtime, arrivals, (arrival) => this.prepare(from, arrival, timeoutMs));
  }

  onDecide(from: NodeId, { decisions }: DecideFrame): void {
    for (const [name, fence, commit, groups] of decisions) {
      const arrival = this.open(name);
      if (arrival?.source !== from || arrival.row.fence !== fence || !this.sourceOf(arrival)) continue;
      if (commit === 0) {
        this.forget(arrival);
      } else {
        arrival.committed = true;
        // Set only if they differ, which is rare: every change is told to all nodes, also one that changes nothing.
        if (!isSame(arrival.row.groups, groups)) this.parts.rows.setGroups(arrival.row, groups);
        this.beginIfDecided(arrival);
      }
    }
  }

  /** The link to a source is there again: what was decided meanwhile may have been lost with the old one. */
  linked(source: NodeId): void {
    for (const arrival of this.arrivals.values()) {
      const info = arrival.source === source ? this.sourceOf(arrival) : undefined;
      if (!info) continue;
      arrival.incarnation = info.incarnation;
      arrival.sourceIsDead = false;
      this.ask(arrival);
    }
  }

  /** A source is dead: what it had packed and handed over goes on here. */
  down(source: NodeId, incarnation: number): void {
    for (const arrival of [...this.arrivals.values()]) {
      if (arrival.source !== source || arrival.incarnation !== incarnation) continue;
      arrival.sourceIsDead = true;
      this.beginIfDecided(arrival);
    }
  }

  /** A dead source is known to have ended. */
  released(source: NodeId, incarnation: number): void {
    for (const arrival of [...this.arrivals.values()])
      if (arrival.source === source && arrival.incarnation === incarnation) this.beginIfDecided(arrival);
  }

  /** The worker ends here, whatever its source decides; its row is somebody else's matter. */
  abandon({ name }: Row): void {
    this.arrivals.delete(name);
    this.parts.rest.changed();
  }

  /** A row of the name has changed: its source may have let go of it. */
  rowChanged(name: string): void {
    if (this.arrivals.size === 0) return;
    const arrival = this.open(name);
    if (arrival) this.beginIfDecided(arrival);
  }

  private prepare(from: NodeId, [wire, state]: WireArrival, timeoutMs: number): void {
    const { rows, membership, runtime, host } = this.parts;
    const claim = contentOfWire(wire);
    const { name, type, args, fence } = claim;
    const known = this.open(name);
    if (known?.source === from) {
      if (known.row.fence >= fence) return;
      this.forget(known);
    }
    const refusal = this.refusal(claim, from);
    if (refusal !== undefined) return this.results.add(from, [name, fence, 'refused', refusal]);
    const sender = membership.members.get(from)?.info;
    const arrival: Arrival = {
      row: rows.track({ ...claim, status: RowStatus.arriving }),
      source: from,
      process: sender?.firstIncarnation ?? 0,
      incarnation: sender?.incarnation ?? 0,
      since: runtime.now(),
      ringVersion: membership.members.ringVersion,
      ready: false,
      committed: false,
      sourceIsDead: false,
    };
    this.arrivals.set(name, arrival);
    this.askLater();
    const deadline = arrival.since + timeoutMs;
    const starting = host.start({ name, type, args, fence, ...(state !== null && { state }) });
    if (starting) this.awaitStart(starting, arrival, deadline);
    else this.started(arrival, deadline);
    return undefined;
  }

  private awaitStart(starting: Promise<void>, arrival: Arrival, deadline: number): void {
    const late = new DueTask(() => {
      this.failed(arrival, `its start there did not end within ${deadline - arrival.since} ms`);
    });
    this.deadlines.set(late, deadline, this.parts.runtime.now());
    starting.then(
      () => {
        this.deadlines.clear(late);
        this.started(arrival, deadline);
      },
      (error: unknown) => {
        this.deadlines.clear(late);
        this.failed(arrival, messageOf(error));
      },
    );
  }

  /** Why this node would not have the worker now. */
  private refusal({ name, type, registration, fence }: RowContent, from: NodeId): string | undefined {
    const { membership, placements, forgotten, rows, self, clock, index, replicas } = this.parts;
    clock.observe(fence);
    if (membership.members.self.status !== 'up') return `${self} is ${membership.members.self.status}`;
    if (!membership.leases.isHeld(type)) return `${self} has no lease for ${type}`;
    const owner = placements.ownerOf(name, type);
    if (owner !== self) return `for ${self} it belongs to ${owner ?? 'nobody'}`;
    if (forgotten.has(registration)) return 'it was unregistered';
    if (rows.get(name)) return `${self} has a row of that name`;
    // A source that was away may have missed that another node has it by now.
    const rival = index.all(name).find((row) => row.node !== from && row.isHeld && !replicas.isLetGo(row));
    return rival && `${self} knows that ${rival.node} has it`;
  }

  private started(arrival: Arrival, deadline: number): void {
    if (this.open(arrival.row.name) !== arrival) return;
    arrival.ready = true;
    if (this.parts.placements.quorumOf(arrival.row.type) === undefined) this.tellReady(arrival);
    else void this.tellWhenHeld(arrival, deadline);
    this.beginIfDecided(arrival);
  }

  private tellReady({ row, source }: Arrival): void {
    this.results.add(source, [row.name, row.fence, 'ready', '']);
  }

  /**
   * Under a quorum enough nodes must hold the target's row before the source lets go of its own. Otherwise those that have read
   * only that the source's row is gone could be a quorum that does not know the name.
   */
  private async tellWhenHeld(arrival: Arrival, deadline: number): Promise<void> {
    const { row, source } = arrival;
    try {
      await this.parts.copies.held(row, deadline, source);
      if (this.open(row.name) === arrival) this.tellReady(arrival);
    } catch (error) {
      // A dead source can let go of nothing: its orphan is the only other row.
      if (this.open(row.name) !== arrival || arrival.sourceIsDead) return;
      this.forget(arrival);
      this.results.add(source, [row.name, row.fence, 'refused', messageOf(error)]);
    }
  }

  private failed(arrival: Arrival, reason: string): void {
    const { row, source } = arrival;
    if (this.open(row.name) !== arrival) return;
    this.forget(arrival);
    this.results.add(source, [row.name, row.fence, 'failed', reason]);
  }

  private beginIfDecided(arrival: Arrival): void {
    const { rows, host, clock, supervisor, emit, trace, history, settledHere, rest } = this.parts;
    const { source, committed } = arrival;
    if (!arrival.ready || !this.isDecided(arrival)) return;
    if (this.isSuperseded(arrival)) return this.forget(arrival);
    let { row } = arrival;
    this.arrivals.delete(row.name);
    if (committed) {
      rows.setStatus(row, RowStatus.running);
    } else {
      // Its source may have gone on with it, under a newer fence than that of this attempt.
      const groups = this.leftBy(arrival)?.groups ?? row.groups;
      row = rows.replace(row, { ...contentOf(row), groups, status: RowStatus.running, fence: clock.next() });
      supervisor.renewed(arrival.row, row);
      host.resume(row.name, row.fence);
    }
    emit({ type: 'worker-started', name: row.name, workerType: row.type, fence: row.fence });
    history.note(row.name, `came from ${source}`);
    trace(() => `"${row.name}" of ${source} goes on here, fence ${row.fence}`);
    settledHere(row, arrival.ringVersion);
    rest.changed();
  }

  private isDecided(arrival: Arrival): boolean {
    const { source, incarnation, row, sourceIsDead, committed } = arrival;
    if (sourceIsDead) return this.parts.membership.fencing.isReleased(source, incarnation, row.type);
    return committed && this.isLetGo(arrival);
  }

  /**
   * Whether the source, before it died, took this attempt back and made another, which it could not say here any more:
   * the worker is elsewhere, or about to begin there. What it was promised before must not begin beside it.
   */
  private isSuperseded({ row, source, committed }: Arrival): boolean {
    if (committed) return false;
    const { index, self } = this.parts;
    return index
      .all(row.name)
      .some(
        (other) =>
          (other.isHeld || other.isArriving) &&
          other.node !== self &&
          other.node !== source &&
          other.registration === row.registration &&
          other.fence > row.fence,
      );
  }

  /** What its dead source had of it: its groups may have changed since it was packed. */
  private leftBy({ row: { name, registration }, source }: Arrival): Row | undefined {
    return this.parts.index
      .all(name)
      .find((row) => row.orphaned && row.node === source && row.registration === registration);
  }

  /** The source, perhaps under a newer incarnation of the same process; `undefined` if that process is gone. */
  private sourceOf({ source, process }: Arrival): NodeInfo | undefined {
    const info = this.parts.membership.members.get(source)?.info;
    return info?.firstIncarnation === process ? info : undefined;
  }

  /** Whether this node has read that the source's row is gone. */
  private isLetGo({ row, source }: Arrival): boolean {
    const left = this.parts.replicas.table(source)?.get(row.name);
    return left?.registration !== row.registration || left.fence > row.fence;
  }

  /** It goes on at its source, or anew elsewhere; what its start has opened here is closed again. */
  private forget({ row }: Arrival): void {
    const { rows, host, rest } = this.parts;
    this.arrivals.delete(row.name);
    host.end(row.name, 'moved');
    rows.untrack(row, Untracked.givenBack);
    rest.changed();
  }

  /** The arrival of a name, unless its row was taken away. */
  private open(name: string): Arrival | undefined {
    const arrival = this.arrivals.get(name);
    if (!arrival || this.parts.rows.has(arrival.row)) return arrival;
    this.arrivals.delete(name);
    return undefined;
  }

  private ask({ row, source }: Arrival): void {
    this.questions.add(source, [row.name, row.fence]);
  }

  private askLater(): void {
    if (this.askDue) return;
    this.askDue = true;
    const { runtime } = this.parts;
    runtime.after(ASK_AFTER_MS, () => {
      this.askDue = false;
      for (const name of [...this.arrivals.keys()]) {
        const arrival = this.open(name);
        if (!arrival || !this.sourceOf(arrival)) continue;
        if (runtime.now() - arrival.since >= ASK_AFTER_MS) this.ask(arrival);
      }
      if (this.arrivals.size > 0) this.askLater();
    });
  }
}

function isSame(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((group, index) => group === other[index]);
}
