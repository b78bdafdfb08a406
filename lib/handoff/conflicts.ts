// Decides between several activations of one name (promise P3): the verdict is that of the index, the same on every
// node; the loser's side acts. It packs the loser, offers its state to the winner, and lets go when the winner has it.
import { messageOf } from '../errors/thrown.js';
import { contentOf, RowStatus, type Row } from '../tracker/row.js';
import { winsConflict } from '../tracker/registry-index.js';
import { keepLatest } from '../runtime/keep-latest.js';
import { runSliced, SLICE_MS } from '../runtime/slices.js';
import { FrameKind, type OfferedFrame, type OfferFrame } from '../transport/frame.js';
import type { NodeId } from '../transport/node-info.js';
import { NoTurnError } from '../workers/no-turn.error.js';
import { FrameBatches } from './frame-batches.js';
import type { HandoffParts } from './handoff-parts.js';
import type { Moves } from './moves.js';

/** The winner is asked again after this long when it could not take the state; times 0.5 to 1.5. */
const ASK_AGAIN_MS = 50;
/** A winner that does not run yet, or is not to be reached, is looked at again after so long at the latest. */
const LOOK_AGAIN_MS = 1_000;
/** States that were taken are remembered, the latest so many, so that none is given twice when an answer was lost. */
const TAKEN_LIMIT = 65_536;

type Offer = OfferFrame['offers'][number];

/** An activation that has no state to give; every state has a byte at least. */
const NO_STATE = new Uint8Array(0);

export class Conflicts {
  /** Names whose activation here gives way; those that wait for their turn are in `queue` too. */
  private readonly losing = new Set<string>();
  private readonly queue = new Set<string>();
  /** Own names that other nodes hold too. */
  private readonly contested = new Set<string>();
  /** Names with orphans beside a row of a node that was not read to the end yet. */
  private readonly unread = new Set<string>();
  private readonly fresh = new Set<string>();
  /** Offers that are not answered, by name. */
  private readonly offers = new Map<
    string,
    { to: NodeId; loserFence: number; answer: (taken: boolean) => void }
  >();
  /** What became of the states that this node was offered. */
  private readonly taken = new Map<string, Promise<boolean>>();
  private readonly outgoing: FrameBatches<Offer>;
  private readonly answers: FrameBatches<OfferedFrame['results'][number]>;
  private active = 0;
  private pumpDue = false;

  constructor(
    private readonly parts: HandoffParts,
    private readonly moves: Moves,
  ) {
    const { runtime, sender, stateSender } = parts;
    this.outgoing = new FrameBatches(
      runtime,
      stateSender,
      ([name, , , state]) => name.length + state.length + 24,
      (offers) => ({ kind: FrameKind.Offer, offers }),
    );
    this.answers = new FrameBatches(
      runtime,
      sender,
      ([name]) => name.length + 16,
      (results) => ({ kind: FrameKind.Offered, results }),
    );
  }

  /** How many activations of this node are giving way. */
  get size(): number {
    return this.losing.size;
  }

  /** Several rows have the name, or had it. */
  noted(name: string): void {
    if (this.fresh.size === 0) this.parts.runtime.defer(() => this.settleAll());
    this.fresh.add(name);
  }

  /** All rows of a node were read: verdicts that have waited for that can be given. */
  level(): void {
    runSliced(this.parts.runtime, [...this.contested, ...this.unread], (name) => this.noted(name));
  }

  /** Whether a change of any row of the name is to be noted. */
  follows(name: string): boolean {
    return this.contested.has(name);
  }

  /** No answer will come from there. */
  unlinked(node: NodeId): void {
    for (const { to, answer } of [...this.offers.values()]) if (to === node) answer(false);
  }

  onOffer(from: NodeId, { offers }: OfferFrame): void {
    runSliced(this.parts.runtime, offers, (offer) => void this.take(from, offer));
  }

  onOffered(from: NodeId, { results }: OfferedFrame): void {
    for (const [name, loserFence, taken] of results) {
      const offer = this.offers.get(name);
      if (offer?.to === from && offer.loserFence === loserFence) offer.answer(taken === 1);
    }
  }

  private settleAll(): void {
    const names = [...this.fresh];
    this.fresh.clear();
    runSliced(this.parts.runtime, names, (name) => this.settle(name));
  }

  /** Orphans give way to a holder; of several holders the best stays. */
  private settle(name: string): void {
    const { index, orphans, rows, replicas, settledHere, membership } = this.parts;
    replicas.contested(name);
    const [best, ...others] = index.all(name);
    this.unread.delete(name);
    const holder = index.all(name).find((row) => this.isRival(row));
    if (holder && index.all(name).some((row) => row.orphaned)) {
      if (membership.members.isCurrent(holder.node)) orphans.superseded(name, holder);
      else this.unread.add(name);
    }
    let own = rows.get(name);
    const before = own;
    const rivals = own?.isHeld ? others.concat(best ?? []).filter((row) => row !== before) : [];
    if (own && rivals.some((row) => row.orphaned && row.registration === before?.registration))
      own = this.restamp(own);
    const isContested = rivals.some((row) => this.isRival(row));
    if (isContested) this.contested.add(name);
    else if (this.contested.delete(name) && own) {
      // Those that gave way had newer fences: whoever has seen them must take what comes from this one again.
      const mayRenew = own === before && own.status === RowStatus.running && !this.moves.has(name);
      settledHere(mayRenew ? this.renew(own) : own);
    }
    const current = own;
    if (current && rivals.some((row) => this.isKnownRival(row) && winsConflict(row, current)))
      this.lose(current);
  }

  /**
   * An orphan of this very registration with a newer fence: its node died when the worker was on its way there, or had
   * been started there beside this one. What goes on here has the newest fence from now on, and the orphan is history.
   */
  private restamp(own: Row): Row {
    if (own.status !== RowStatus.running || this.moves.has(own.name) || this.losing.has(own.name)) return own;
    const fresh = this.renew(own);
    this.parts.orphans.superseded(own.name, fresh);
    return fresh;
  }

  /** The worker goes on, under a new fence. */
  private renew(own: Row): Row {
    const { rows, clock, host } = this.parts;
    const fresh = rows.replace(own, { ...contentOf(own), fence: clock.next() });
    host.resume(own.name, fresh.fence);
    return fresh;
  }

  private lose({ name }: Row): void {
    if (this.losing.has(name)) return;
    this.losing.add(name);
    this.queue.add(name);
    this.pump();
  }

  private pump(): void {
    if (this.pumpDue) return;
    this.pumpDue = true;
    const { runtime, handoff, rest } = this.parts;
    runtime.defer(() => {
      this.pumpDue = false;
      const until = runtime.now() + SLICE_MS;
      for (const name of this.queue) {
        if (this.active >= handoff.concurrency) return;
        if (runtime.now() >= until) return this.pump();
        this.queue.delete(name);
        this.active++;
        void this.giveWay(name).finally(() => {
          this.active--;
          this.losing.delete(name);
          rest.changed();
          // What has come to light meanwhile was put off.
          this.noted(name);
          this.pump();
        });
      }
    });
  }

  private async giveWay(name: string): Promise<void> {
    const { rows, host, emit, history, trace, endings, orphans } = this.parts;
    const row = rows.get(name);
    if (!row?.isHeld || !this.winnerOver(row)) return;
    this.parts.cancelMove(row);
    let state: Uint8Array | undefined;
    let isPacked = false;
    while (rows.has(row)) {
      const winner = this.winnerOver(row);
      if (!winner) {
        // It is gone, or has a newer fence by now: this activation is the best again. It keeps its fence while another
        // has the name too; two that renewed theirs in turn would each give way to the other for ever.
        if (row.status === RowStatus.running) host.resume(name);
        return;
      }
      if (row.status === RowStatus.running && !isPacked) {
        state = await this.pack(row);
        isPacked = true;
        continue;
      }
      const given = winner.type === row.type && !winner.isPinned ? state : undefined;
      // Also where there is no state: the winner must know that it is one, or both would give way to what each has seen last.
      if (!(await this.offer(row, winner, given ?? NO_STATE))) continue;
      if (!rows.has(row)) return;
      // It was only being started when it was offered: it may have handled messages since, and may be the better one now.
      if (row.status === RowStatus.running && !isPacked) continue;
      orphans.gaveWayTo(winner);
      endings.giveWay(row);
      emit({ type: 'conflict-resolved', name, winner: winner.node, loser: row.node });
      history.note(name, `gave way to the one on ${winner.node}`);
      trace(() => `"${name}" runs on ${winner.node} too, under the fence ${winner.fence}: it stays there`);
    }
  }

  /** Brings a worker to rest and takes its state, if it has any that the winner may have. */
  private async pack(row: Row): Promise<Uint8Array | undefined> {
    const { rows, host, handoff, logger, membership } = this.parts;
    const { name, type } = row;
    // What a worker without a lease has come to must not reach the one that took its place.
    if (row.isPinned || !membership.leases.isHeld(type)) return undefined;
    try {
      await host.pause(name, handoff.timeoutMs);
      if (!rows.has(row)) return undefined;
      const answer = await host.begin(name, handoff.timeoutMs);
      return answer.kind === 'resume' ? answer.state : undefined;
    } catch (error) {
      logger.warn(
        `${type} "${name}" gives way to another and could not be packed, its state is lost: ${messageOf(error)}`,
      );
      return undefined;
    }
  }

  /** Not one that its node has let go of, and none whose registration has ended: its node is told so. */
  private isRival(row: Row): boolean {
    const { replicas, forgotten } = this.parts;
    return row.isHeld && !replicas.isLetGo(row) && !forgotten.has(row.registration);
  }

  /** Nothing gives way to what may be history. */
  private isKnownRival(row: Row): boolean {
    return this.isRival(row) && this.parts.membership.members.isCurrent(row.node);
  }

  private winnerOver(row: Row): Row | undefined {
    return this.parts.index
      .all(row.name)
      .find((other) => other !== row && this.isKnownRival(other) && winsConflict(other, row));
  }

  /** True when the winner has the state. False after a pause when it could not take it now: who wins may have changed. */
  private async offer(row: Row, winner: Row, state: Uint8Array): Promise<boolean> {
    const { runtime, membership, handoff, waiters } = this.parts;
    const { name, fence } = row;
    const isReady = winner.isRunning || state.length === 0;
    if (!isReady || !membership.members.get(winner.node)?.linked) {
      await waiters.changed(name, runtime.now() + LOOK_AGAIN_MS);
      return false;
    }
    const taken = await new Promise<boolean>((resolve) => {
      const answer = (isTaken: boolean): void => {
        late.cancel();
        this.offers.delete(name);
        resolve(isTaken);
      };
      const late = runtime.after(2 * handoff.timeoutMs, () => answer(false));
      this.offers.set(name, { to: winner.node, loserFence: fence, answer });
      this.outgoing.add(winner.node, [name, winner.fence, fence, state]);
    });
    if (taken) return true;
    await new Promise<void>((resolve) => {
      runtime.after(ASK_AGAIN_MS * (0.5 + runtime.random()), resolve);
    });
    return false;
  }

  /** The winner's side: gives the state to the worker, once, while the worker stays. */
  private async take(from: NodeId, [name, winnerFence, loserFence, state]: Offer): Promise<void> {
    const { rows, host, handoff, logger } = this.parts;
    const key = `${from} ${loserFence} ${name}`;
    let merged = this.taken.get(key);
    if (!merged) {
      const row = rows.get(name);
      const stays = row?.fence === winnerFence && !this.moves.has(name) && !this.losing.has(name);
      const isReady = state.length === 0 ? row?.isHeld : row?.isRunning;
      if (!row || !stays || !isReady || this.winnerOver(row)) {
        return this.answers.add(from, [name, loserFence, 0]);
      }
      if (state.length === 0) return this.answers.add(from, [name, loserFence, 1]);
      merged = host.merge(name, state, handoff.timeoutMs).then(
        () => true,
        (error: unknown) => {
          // It was never called: the worker had no time for it, or has ended.
          if (error instanceof NoTurnError || rows.get(name)?.fence !== winnerFence) return false;
          logger.error(`${row.type} "${name}" failed in @OnHandoff('conflict'): ${messageOf(error)}`);
          return true;
        },
      );
      keepLatest(this.taken, key, merged, TAKEN_LIMIT);
    }
    const isTaken = await merged;
    // It was never given to the worker: the next offer of it is as good as the first.
    if (!isTaken) this.taken.delete(key);
    this.answers.add(from, [name, loserFence, isTaken ? 1 : 0]);
  }
}
