// Registers, finds and unregisters names from any node: asks the name's owner, or is the owner (promises P4, P7).
import {
  AlreadyRegisteredError,
  NodeUnavailableError,
  NoNodeAvailableError,
  OperationTimeoutError,
  UnknownWorkerTypeError,
} from '../errors/index.js';
import { fromWireError } from '../messaging/wire-error.js';
import { enter, type InRing, leave, Ring } from '../runtime/ring.js';
import { contentOf, Row, RowStatus } from '../tracker/row.js';
import {
  FrameKind,
  type LocateFrame,
  type RegisterFrame,
  type ReserveFrame,
  type ResponseFrame,
  type UnregisterFrame,
} from '../transport/frame.js';
import type { NodeId } from '../transport/node-info.js';
import type { WorkerDefinition } from '../workers/worker-definition.interface.js';
import type { Arbiter } from './arbiter.js';
import type { Copies } from './copies.js';
import type { Endings } from './endings.js';
import { answer, answerError, ask, respond, type Reply } from './questions.js';
import type { RegistrationParts } from './registration-parts.js';
import { pause, type StartSpec, type Starts } from './starts.js';

/** How often owners may send a request on to each other before it is given up. */
const MAX_HOPS = 8;
/** Pause before the owner is asked again, times 0.5 to 1.5. */
const ASK_AGAIN_MS = 25;
/** The pause doubles up to this while the nodes disagree about the owner; about who is dead they may disagree for seconds. */
const ASK_AGAIN_MAX_MS = 1_000;
/** Pause before the arbiter is asked again, when it has told of a row that this node has not read yet. */
const TOLD_AGAIN_MS = 100;
/** How many of the nodes that may not host a name an error lists, so that it stays readable. */
const REFUSALS_TOLD = 3;

/** What somebody wants to be started. */
type Wanted = Pick<StartSpec, 'name' | 'type' | 'args' | 'registration'>;

/** What somebody waits for. */
class Request implements InRing {
  previous: InRing | undefined;
  next: InRing | undefined;
  /** Nobody waits any more. */
  isVoid = false;

  /** @param asker `undefined`: this node itself */
  constructor(readonly asker: NodeId | undefined) {}
}

export class Registrar {
  /** Tells this node's registrations from those that others stamp in the same instant. */
  private readonly token: string;
  /** What is being started here. */
  private readonly requests = new Ring<Request>();

  constructor(
    private readonly parts: RegistrationParts,
    private readonly starts: Starts,
    private readonly arbiter: Arbiter,
    private readonly endings: Endings,
    private readonly copies: Copies,
  ) {
    this.token = Math.floor(parts.runtime.random() * 2 ** 52).toString(36);
  }

  async register(name: string, type: string, args: unknown, timeoutMs: number): Promise<Row> {
    const { runtime, codec, index, placements, self, maxArgsBytes } = this.parts;
    const deadline = runtime.now() + timeoutMs;
    const encoded =
      args === undefined
        ? null
        : codec.encode(args, { root: 'args', instances: 'refuse', maxBytes: maxArgsBytes });
    const registration = this.newRegistration();
    const question = { kind: FrameKind.Register, name, type, registration } as const;
    /** A node was asked, and has not said whether it started it: the link was lost. */
    let isUnanswered = false;
    for (let hops = 0, hint: NodeId | undefined; ;) {
      const known = index.get(name);
      // After a lost answer another registration may hold the name now, because the one asked for was started and has ended.
      if (known?.isShown && (!isUnanswered || known.registration === registration))
        return this.mineOrTaken(known, registration);
      const owner = hint ?? placements.ownerOf(name, type);
      hint = undefined;
      if (owner === undefined) {
        if (await this.viewMayChange(name, deadline)) continue;
        throw this.noOwner(name, type);
      }
      this.parts.trace(() => `"${name}" belongs to ${owner}, which is asked to start it`);
      const started =
        owner === self
          ? elsewhereOr(await this.startedHere({ name, type, args: encoded, registration }, deadline))
          : this.startedThere(await ask(this.parts, owner, { ...question, args: encoded }, deadline));
      if (started instanceof Row) return this.mineOrTaken(started, registration);
      isUnanswered ||= started === 'unreachable';
      if (typeof started === 'object' && ++hops > MAX_HOPS) {
        throw new NoNodeAvailableError(`the nodes do not agree about who owns "${name}"`);
      }
      if (typeof started === 'object' && started.owner !== null && started.owner !== owner) {
        // This node may not know the strategy of a type that its own application does not provide.
        hint = started.owner;
        continue;
      }
      if (runtime.now() >= deadline)
        throw new OperationTimeoutError(`the registration of "${name}"`, timeoutMs);
      const pauseMs = Math.min(ASK_AGAIN_MS * 2 ** Math.max(0, hops - 1), ASK_AGAIN_MAX_MS);
      await pause(this.parts, Math.min(pauseMs, (deadline - runtime.now()) / 1.5));
    }
  }

  async registerLocal(name: string, definition: WorkerDefinition, instance: object): Promise<Row> {
    const { registerTimeoutMs, runtime } = this.parts;
    const registration = this.newRegistration();
    const deadline = runtime.now() + registerTimeoutMs;
    const row = await this.starts.begin(
      {
        name,
        type: definition.type,
        args: null,
        registration,
        groups: [],
        pinned: { definition, instance },
        again: false,
        isWanted: () => true,
      },
      deadline,
    );
    if (row === 'elsewhere') throw new NoNodeAvailableError(`"${name}" could not be claimed`);
    if (row.registration === registration) await this.copies.held(row, deadline);
    return this.mineOrTaken(row, registration);
  }

  /**
   * False if nobody holds the name, or somebody else has ended what held it.
   *
   * @throws NodeUnavailableError if it has ended, and whether by this is not known, because the answer was lost
   */
  async unregister(name: string): Promise<boolean> {
    const { runtime, registerTimeoutMs, index, rows, self, membership, placements } = this.parts;
    const deadline = runtime.now() + registerTimeoutMs;
    const timeout = (): Error => new OperationTimeoutError(`unregistering "${name}"`, registerTimeoutMs);
    /** The row that a node was asked to end, if the link was lost before it answered. */
    let unanswered: Row | undefined;
    for (;;) {
      const row = index.get(name) ?? (await this.askArbiter(name, deadline));
      if (!row && (await this.viewMayChange(name, deadline))) continue;
      if (row === 'unreachable' || (!row && runtime.now() >= deadline)) throw timeout();
      // The name was registered anew since: this registration is not the one to end.
      if (unanswered && row?.registration !== unanswered.registration) throw endedByWhom(unanswered);
      if (!row) return false;
      if (rows.has(row) && this.mayEnd(row)) return this.endedHere(row, deadline);
      if (row.orphaned && placements.ownerOf(name, row.type) === undefined) {
        this.refuseBelowQuorum(row);
        this.endings.forget(row);
        return true;
      }
      if (row.node !== self && row.mayEnd && membership.members.get(row.node)?.linked) {
        const { registration } = row;
        const question = { kind: FrameKind.Unregister, name, registration } as const;
        let isOnItsWay = false;
        const reply = await ask(this.parts, row.node, question, deadline, () => (isOnItsWay = true));
        if (reply?.outcome === 'ok' && reply.row === null && unanswered) throw endedByWhom(unanswered);
        if (reply?.outcome === 'ok') return reply.row !== null;
        if (reply?.error) throw fromWireError(reply.error, this.parts.refs);
        if (!reply && isOnItsWay) unanswered = row;
        await pause(this.parts, ASK_AGAIN_MS);
      } else {
        await this.changedSince(row, deadline);
      }
      if (runtime.now() >= deadline) throw timeout();
    }
  }

  /**
   * The row of the name, shown or not: it may be parked, or just being started anew. Asks the arbiter if this node's
   * replica shows none.
   */
  async find(name: string, timeoutMs: number): Promise<Row | undefined> {
    const { index, runtime } = this.parts;
    const deadline = runtime.now() + timeoutMs;
    for (;;) {
      const known = index.get(name);
      const row = known?.isShown ? known : await this.askArbiter(name, deadline);
      if (row === 'unreachable') throw new OperationTimeoutError(`locating "${name}"`, timeoutMs);
      if (row || !(await this.viewMayChange(name, deadline))) return row;
    }
  }

  /** As `find`, and only if it is shown. */
  async locate(name: string, timeoutMs: number): Promise<Row | undefined> {
    const row = await this.find(name, timeoutMs);
    return row?.isShown ? row : undefined;
  }

  /** A node that has lost the link may have had elsewhere by now what it asked for here: what has not begun is dropped. */
  unlinked(node: NodeId): void {
    for (const request of this.requests.members()) if (request.asker === node) request.isVoid = true;
  }

  onRegister(from: NodeId, { id, name, type, args, registration, timeoutMs }: RegisterFrame): void {
    const deadline = this.parts.runtime.now() + timeoutMs;
    const failed = (error: unknown): void => answerError(this.parts, from, id, error);
    if (this.parts.placements.ownerOf(name, type) === undefined) return failed(this.noOwner(name, type));
    const started = (row: Row | 'elsewhere'): void => {
      if (row === 'elsewhere') {
        const owner = this.parts.placements.ownerOf(name, type);
        return answer(this.parts, from, id, { outcome: 'elsewhere', owner });
      }
      if (row.registration === registration) return answer(this.parts, from, id, { outcome: 'ok', row });
      return answer(this.parts, from, id, { outcome: 'taken', row, error: this.taken(row) });
    };
    return this.startHere({ name, type, args, registration }, deadline, from, started, failed);
  }

  onReserve(from: NodeId, { id, name, registration, strict, timeoutMs }: ReserveFrame): void {
    const deadline = this.parts.runtime.now() + timeoutMs;
    const work = async (): Promise<Reply> => {
      for (;;) {
        const arbiter = this.parts.placements.arbiterOf(name, strict);
        if (arbiter !== this.parts.self) return { outcome: 'elsewhere' };
        const claimant = { node: from, registration, strict };
        const verdict = this.arbiter.verdict(name, claimant);
        if (verdict instanceof Row) return { outcome: 'taken', row: verdict, error: this.taken(verdict) };
        if (verdict === 'free') {
          const granted = this.arbiter.grant(name, claimant);
          return granted ? { outcome: 'ok', row: this.stamped(granted) } : { outcome: 'elsewhere' };
        }
        if (!(await this.parts.waiters.changed(name, deadline))) return { outcome: 'elsewhere' };
      }
    };
    respond(this.parts, from, id, work());
  }

  /** The claim as it is granted: with a fence above those of all activations that this node has read of. */
  private stamped(claim: Row): Row {
    return new Row(
      { ...contentOf(claim), args: null, groups: [], fence: this.parts.clock.next() },
      claim.node,
    );
  }

  onUnregister(from: NodeId, { id, name, registration, timeoutMs }: UnregisterFrame): void {
    const deadline = this.parts.runtime.now() + timeoutMs;
    const failed = (error: unknown): void => answerError(this.parts, from, id, error);
    const row = this.parts.rows.get(name);
    try {
      if (row?.registration !== registration || !this.mayEnd(row))
        return answer(this.parts, from, id, { outcome: 'elsewhere' });
    } catch (error) {
      return failed(error);
    }
    const ended = (isOurs: boolean): void =>
      answer(this.parts, from, id, { outcome: 'ok', row: isOurs ? row : undefined });
    return this.endHere(row, deadline, from, ended, failed);
  }

  onLocate(from: NodeId, { id, name, timeoutMs }: LocateFrame): void {
    const { runtime, placements, self, waiters } = this.parts;
    const deadline = runtime.now() + timeoutMs;
    const work = async (): Promise<Reply> => {
      do {
        const row = this.known(name);
        if (row !== 'unsure') return { outcome: 'ok', row };
      } while (placements.arbiterOf(name) === self && (await waiters.changed(name, deadline)));
      return { outcome: 'elsewhere' };
    };
    respond(this.parts, from, id, work());
  }

  private startedHere(wanted: Wanted, deadline: number): Promise<Row | 'elsewhere'> {
    return new Promise((resolve, reject) => {
      this.startHere(wanted, deadline, undefined, resolve, reject);
    });
  }

  /**
   * Starts the worker on this node; calls `done` when enough peers hold the row, or `failed`. `asker` holds it once it reads
   * the answer. Makes no promise if there is nothing to wait for, so that a node can answer in the turn in which it was asked.
   */
  private startHere(
    wanted: Wanted,
    deadline: number,
    asker: NodeId | undefined,
    done: (row: Row | 'elsewhere') => void,
    failed: (error: unknown) => void,
  ): void {
    const { forgotten, self, placements } = this.parts;
    const { name, type, registration } = wanted;
    // After a pause or a lost link an asker repeats its question, although the worker was started and has ended meanwhile.
    if (forgotten.has(registration))
      return failed(
        new NodeUnavailableError(self, `"${name}" was registered, and has been unregistered since`),
      );
    const request = new Request(asker);
    const isWanted = (): boolean =>
      !request.isVoid && !forgotten.has(registration) && placements.ownerOf(name, type) === self;
    const gaveUp = (error: unknown): void => {
      leave(request);
      failed(error);
    };
    const found = (row: Row | 'elsewhere'): void => {
      leave(request);
      done(row);
    };
    // The nodes that hold the row now may have given the name to another meanwhile.
    const overtaken = (): string => `the others have gone on while "${name}" was registered`;
    const whenHeld = this.watchHolders(type, deadline, asker, overtaken, gaveUp);
    const begun = (row: Row | 'elsewhere'): void => {
      if (row === 'elsewhere' || row.registration !== registration) found(row);
      else whenHeld(row, () => found(row));
    };
    enter(this.requests, request);
    const row = this.starts.begin({ ...wanted, groups: [], again: false, isWanted }, deadline);
    if (row instanceof Promise) row.then(begun, gaveUp);
    else begun(row);
  }

  private startedThere(
    reply: ResponseFrame | undefined,
  ): Row | { readonly owner: NodeId | null } | 'unreachable' {
    if (!reply) return 'unreachable';
    if (reply.row && reply.node !== null) return Row.fromWire(reply.row, reply.node);
    if (reply.error) throw fromWireError(reply.error, this.parts.refs);
    return { owner: reply.node };
  }

  /**
   * Without a lease the others may run the worker by now, and to end what is left here would end nothing.
   * @throws NoNodeAvailableError where no lease is to come
   */
  private mayEnd(row: Row): boolean {
    if (!row.mayEnd) return false;
    this.refuseBelowQuorum(row);
    return this.parts.membership.leases.isHeld(row.type);
  }

  private endedHere(row: Row, deadline: number): Promise<boolean> {
    return new Promise((resolve, reject) => {
      this.endHere(row, deadline, undefined, resolve, reject);
    });
  }

  /**
   * Ends the worker of this node; calls `done` when enough peers hold its end, or `failed`. False if something else has
   * ended it meanwhile.
   */
  private endHere(
    row: Row,
    deadline: number,
    asker: NodeId | undefined,
    done: (isOurs: boolean) => void,
    failed: (error: unknown) => void,
  ): void {
    // The nodes that hold the end now may have gone on without this one, and have started the worker anew.
    const overtaken = (): string => `the others may have started "${row.name}" anew before they were told`;
    const whenHeld = this.watchHolders(row.type, deadline, asker, overtaken, failed);
    const ended = (isOurs: boolean): void => whenHeld(row, () => done(isOurs));
    const isOurs = this.endings.end(row, 'unregistered');
    if (isOurs instanceof Promise) isOurs.then(ended, failed);
    else ended(isOurs);
  }

  /**
   * Returns a function that calls `done` when enough peers hold what was tracked of a row. It calls `failed` if they do not in
   * time, or if the others have gone on without this node between now and then.
   */
  private watchHolders(
    type: string,
    deadline: number,
    asker: NodeId | undefined,
    overtaken: () => string,
    failed: (error: unknown) => void,
  ): (row: Row, done: () => void) => void {
    const isOvertaken = this.watchIncarnation(type);
    return (row, done) =>
      this.copies.whenHeld(row, deadline, asker, (error) => {
        if (error) failed(error);
        else if (isOvertaken()) failed(new NodeUnavailableError(this.parts.self, overtaken()));
        else done();
      });
  }

  /**
   * Returns whether this node has joined anew since now, because the others had gone on without it. Matters under a quorum.
   */
  private watchIncarnation(type: string): () => boolean {
    const { placements, membership } = this.parts;
    if (placements.quorumOf(type) === undefined) return () => false;
    const { incarnation } = membership.members.self.info;
    return () => membership.members.self.info.incarnation !== incarnation;
  }

  /** Below a quorum nobody can know that it has ended: it may go on, or start, among those that are not heard. */
  private refuseBelowQuorum({ name, type }: Row): void {
    const { placements } = this.parts;
    const isBelow = placements.quorumOf(type) !== undefined && placements.ownerOf(name, type) === undefined;
    if (isBelow) throw this.noOwner(name, type);
  }

  private noOwner(name: string, type: string): NoNodeAvailableError | UnknownWorkerTypeError {
    const { placements } = this.parts;
    if (!placements.isProvided(type)) return new UnknownWorkerTypeError(type);
    const quorum = placements.quorumOf(type);
    const why =
      quorum === undefined
        ? `now: ${this.whyNobody(type)}`
        : `below its quorum: ${placements.eligible(type).length} of at least ${quorum} nodes are there`;
    return new NoNodeAvailableError(`no node may host "${name}" ${why}`);
  }

  private whyNobody(type: string): string {
    const { placements } = this.parts;
    const eligible = placements.eligible(type).length;
    if (eligible > 0) return `the strategy of ${type} names none of the ${eligible} node(s) that could`;
    const refusals = placements
      .refusals(type)
      .flatMap(({ node, refusal }) => (refusal === undefined ? [] : [`${node}: ${refusal}`]));
    const more = refusals.length - REFUSALS_TOLD;
    return `${refusals.slice(0, REFUSALS_TOLD).join('; ')}${more > 0 ? `; and ${more} more` : ''}`;
  }

  /**
   * What the name's arbiter knows of it. An arbiter that cannot be reached, or does not know everything yet, is asked again
   * until the deadline.
   */
  private async askArbiter(name: string, deadline: number): Promise<Row | 'unreachable' | undefined> {
    const { placements, self, runtime, waiters } = this.parts;
    do {
      const arbiter = placements.arbiterOf(name);
      if (arbiter === undefined || arbiter === self) {
        const row = this.known(name);
        if (row !== 'unsure') return row;
        await waiters.changed(name, deadline);
      } else {
        const reply = await ask(this.parts, arbiter, { kind: FrameKind.Locate, name }, deadline);
        if (reply?.row && reply.node !== null) return Row.fromWire(reply.row, reply.node);
        if (reply?.outcome === 'ok') return undefined;
        await pause(this.parts, ASK_AGAIN_MS);
      }
    } while (runtime.now() < deadline);
    return 'unreachable';
  }

  /**
   * What this node knows of the name; an orphan is shown as parked. `undefined`, that nobody has it, only if this node knows
   * everything, or is leaving.
   */
  private known(name: string): Row | 'unsure' | undefined {
    const { index, membership, knowsAll } = this.parts;
    const row = index.get(name);
    if (row?.orphaned) return new Row({ ...contentOf(row), status: RowStatus.parked }, row.node);
    if (row && row.status !== RowStatus.claiming) return row;
    const isSure = knowsAll() && !membership.isExpecting;
    return isSure || membership.members.self.status === 'leaving' ? undefined : 'unsure';
  }

  /** While this node is joining it may not know the others yet; afterwards what it sees counts. */
  private async viewMayChange(name: string, deadline: number): Promise<boolean> {
    if (this.parts.membership.members.self.status !== 'joining') return false;
    return this.parts.waiters.changed(name, deadline);
  }

  /**
   * Waits until the name has changed. A row that is known from its arbiter alone may never change here, because it is over
   * already: then the wait is short, and the arbiter is asked again.
   */
  private async changedSince(row: Row, deadline: number): Promise<void> {
    const { index, waiters, runtime } = this.parts;
    const isShown = index.get(row.name) === row;
    await waiters.changed(row.name, isShown ? deadline : Math.min(deadline, runtime.now() + TOLD_AGAIN_MS));
  }

  private mineOrTaken(row: Row, registration: string): Row {
    if (row.registration === registration) return row;
    throw this.taken(row);
  }

  private taken({ name, type }: Row): AlreadyRegisteredError {
    return new AlreadyRegisteredError(this.parts.refs.make(name, type) as { name: string });
  }

  /** Unique in the cluster: stamps rise on one node, and no two nodes draw the same 52 bits. */
  private newRegistration(): string {
    return `${this.parts.clock.next().toString(36)}-${this.token}`;
  }
}

/** The registration has ended, but whether by this request or by another is not known. */
function endedByWhom({ name, node }: Row): NodeUnavailableError {
  return new NodeUnavailableError(
    node,
    `"${name}" is not registered any more as it was, but the link was lost before it said whether it has ended it`,
  );
}

/** `elsewhere`: the view has just changed, and says who the owner is now. */
function elsewhereOr(started: Row | 'elsewhere'): Row | { readonly owner: null } {
  return started === 'elsewhere' ? { owner: null } : started;
}
