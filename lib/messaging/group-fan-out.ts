// Decides how one message reaches every member of a group: one frame per node with the names of its members, fanned out
// there. Who is a member is decided here alone, so that none is missed or asked twice because it moves (promise P5).
import { NodeUnavailableError, type ShuttingDownError } from '../errors/index.js';
import type { OutgoingCall } from './outgoing-call.js';
import type { Row } from '../tracker/row.js';
import {
  FrameKind,
  type MultiAnswerFrame,
  type MultiCallFrame,
  type PublishFrame,
  type WireError,
} from '../transport/frame.js';
import { batched } from '../transport/batched.js';
import type { NodeId } from '../transport/node-info.js';
import type { PayloadRules } from '../transport/payload.interface.js';
import type { Delivery } from '../workers/worker-host.interface.js';
import { expiredError, spanOf } from './answer-validity.js';
import { Answers, unsentAnswer } from './answers.js';
import { AskedMembers, memberTimeout } from './asked-members.js';
import {
  given,
  isExpired,
  outcomeOf,
  shortest,
  type Asked,
  type Heard,
  type MemberOutcome,
  type Outcome,
} from './member-outcome.js';
import { earlyBy } from './message.js';
import { PendingReplies } from './pending-replies.js';
import type { Router, RouterParts } from './router.js';
import { asSwarmError, toWireError } from './wire-error.js';

/** Names in one frame: more go in several, so that neither a frame nor the one with their answers becomes too large. */
const NAMES_PER_FRAME = 4096;

type Call = Pick<MultiCallFrame, 'group' | 'pattern' | 'chain' | 'body' | 'timeoutMs'>;

export type GroupFanOutParts = Pick<
  RouterParts,
  | 'self'
  | 'runtime'
  | 'transport'
  | 'index'
  | 'codec'
  | 'refs'
  | 'callTimeoutMs'
  | 'maxPayloadBytes'
  | 'dropped'
>;

export class GroupFanOut {
  private readonly pending: PendingReplies<MultiAnswerFrame, AskedMembers>;
  private readonly dataRules: PayloadRules;
  private readonly answers: Answers;

  constructor(
    private readonly parts: GroupFanOutParts,
    /** Reaches the members that this node hosts, and those that have moved, or are just moving. */
    private readonly router: Pick<Router, 'accept' | 'parked'>,
  ) {
    this.pending = new PendingReplies(parts.runtime);
    this.dataRules = { root: 'data', instances: 'flatten', maxBytes: parts.maxPayloadBytes };
    this.answers = new Answers(parts.codec, parts.maxPayloadBytes);
  }

  get size(): number {
    return this.pending.size;
  }

  publish(group: string, pattern: string, data: unknown): number {
    const { self, codec, transport, dropped } = this.parts;
    const body = codec.encode(data, this.dataRules);
    let addressed = 0;
    for (const [node, members] of this.membersByNode(group)) {
      addressed += members.length;
      for (const rows of chunksOf(members)) {
        const names = rows.map(({ name }) => name);
        if (node === self) {
          this.publishHere(names, pattern, self, body);
          continue;
        }
        const sent = transport.send(node, { kind: FrameKind.Publish, names, pattern, from: '', body });
        if (sent === 'queued') continue;
        for (const name of names) dropped(name, pattern, `the link to ${node} did not take it`);
      }
    }
    return addressed;
  }

  onPublish(from: NodeId, { names, pattern, body, from: origin }: PublishFrame): void {
    this.publishHere(names, pattern, origin || from, body);
  }

  async multiCall(group: string, outgoing: OutgoingCall): Promise<MemberOutcome[]> {
    const { self, codec, callTimeoutMs } = this.parts;
    const { pattern, data, chain, timeoutMs = callTimeoutMs } = outgoing;
    const call: Call = { group, pattern, chain, timeoutMs, body: codec.encode(data, this.dataRules) };
    const asked: Array<Promise<Asked>> = [];
    for (const [node, members] of this.membersByNode(group)) {
      for (const rows of chunksOf(members))
        asked.push(node === self ? this.callOwn(rows, call) : this.callThere(node, rows, call));
    }
    return (await Promise.all(asked)).flatMap(given);
  }

  onMultiCall(from: NodeId, frame: MultiCallFrame): void {
    const { runtime, maxPayloadBytes } = this.parts;
    const { id, names, timeoutMs } = frame;
    const receivedAt = runtime.now();
    void this.callHere(names, frame.from || from, frame, timeoutMs - earlyBy(timeoutMs)).then((heard) => {
      const now = runtime.now();
      const goodForMs = spanOf(shortest(heard, now), receivedAt);
      const results = heard.map((one) => this.toWire(one, now));
      const frames = [...batched(results, ([, body]) => body?.length ?? 0, { bytes: maxPayloadBytes })];
      for (const part of frames)
        this.answerPart(from, { id, parts: frames.length, results: part }, goodForMs);
    });
  }

  onMultiAnswer(from: NodeId, frame: MultiAnswerFrame): void {
    if (this.pending.askerOf(from, frame.id)?.take(frame)) this.pending.answer(from, frame.id, frame);
  }

  unlinked(node: NodeId): void {
    this.pending.unlinked(node);
  }

  close(error: () => ShuttingDownError): void {
    this.pending.close(error);
  }

  private answerPart(to: NodeId, part: Omit<MultiAnswerFrame, 'kind'>, goodForMs: number | undefined): void {
    const { transport } = this.parts;
    const frame = { kind: FrameKind.MultiAnswer, ...part };
    let error: WireError;
    try {
      if (transport.send(to, goodForMs === undefined ? frame : { ...frame, goodForMs }) !== 'full') return;
      error = unsentAnswer(to);
    } catch (failure) {
      error = toWireError(asSwarmError(failure, 'answers'));
    }
    // If the link has no room for this either, the caller's deadline says the rest.
    transport.send(to, { ...frame, results: part.results.map(([name]) => [name, null, error] as const) });
  }

  private publishHere(names: readonly string[], pattern: string, from: NodeId, bytes: Uint8Array): void {
    const { dropped } = this.parts;
    const content: Omit<Delivery, 'reply'> = {
      kind: 'publish',
      pattern,
      body: { bytes },
      from,
      chain: [],
      deadline: Infinity,
    };
    for (const name of names) {
      this.router.accept(name, {
        ...content,
        reply: (error) => error && dropped(name, pattern, error.message),
      });
    }
  }

  private callThere(node: NodeId, rows: readonly Row[], call: Call): Promise<Asked> {
    const { transport } = this.parts;
    return new Promise((resolve) => {
      const asked = new AskedMembers(node, rows, call, this.parts, resolve);
      const id = this.pending.add(node, call.timeoutMs, asked);
      const names = rows.map(({ name }) => name);
      const sent = transport.send(node, { kind: FrameKind.MultiCall, id, from: '', names, ...call });
      if (sent === 'queued') return;
      this.pending.withdraw(id);
      const why = sent === 'full' ? 'its link is overloaded' : 'there is no link to it';
      asked.settle(new NodeUnavailableError(node, why));
    });
  }

  private async callOwn(rows: readonly Row[], call: Call): Promise<Asked> {
    const names = rows.map(({ name }) => name);
    const outcomes = new Map<string, Outcome>();
    const heard = await this.callHere(names, this.parts.self, call, call.timeoutMs);
    for (const { name, error, answer } of heard)
      outcomes.set(name, error ? { error } : outcomeOf(() => this.answers.toValue(answer)));
    return { rows, outcomes };
  }

  /** Asks members by way of this node; settles within `timeoutMs` with what each has said. */
  private callHere(
    names: readonly string[],
    from: NodeId,
    call: Omit<Call, 'timeoutMs'>,
    timeoutMs: number,
  ): Promise<Heard[]> {
    const { runtime } = this.parts;
    const { pattern, chain } = call;
    const content: Omit<Delivery, 'reply'> = {
      kind: 'call',
      pattern,
      body: { bytes: call.body },
      from,
      chain,
      deadline: runtime.now() + timeoutMs,
      timeoutMs,
    };
    return new Promise((resolve) => {
      const open = new Set(names);
      const heard: Heard[] = [];
      const finish = (): void => {
        timer.cancel();
        for (const name of open) {
          heard.push({
            name,
            error: memberTimeout(call, timeoutMs),
            answer: undefined,
            goodUntil: undefined,
          });
        }
        open.clear();
        resolve(heard);
      };
      // One for all, because they may be thousands.
      const timer = runtime.after(Math.max(0, timeoutMs), finish);
      for (const name of [...open]) {
        this.router.accept(name, {
          ...content,
          reply: (error, answer, goodUntil) => {
            if (!open.delete(name)) return;
            heard.push({ name, error, answer, goodUntil });
            if (open.size === 0) finish();
          },
        });
      }
      if (names.length === 0) finish();
    });
  }

  private toWire(heard: Heard, now: number): readonly [string, Uint8Array | null, WireError | null] {
    const { name, error, answer } = heard;
    if (isExpired(heard, now)) return [name, null, toWireError(expiredError(this.parts.self, name))];
    try {
      if (!error) return [name, this.answers.toBytes(answer), null];
    } catch (failure) {
      return [name, null, toWireError(asSwarmError(failure, 'answer'))];
    }
    return [name, null, toWireError(error)];
  }

  /**
   * The members by the node that hosts them, or that they are arriving at. Those for which earlier messages of this node
   * wait are with this node: their order is kept.
   */
  private membersByNode(group: string): Map<NodeId, Row[]> {
    const { index, self } = this.parts;
    const byNode = new Map<NodeId, Row[]>();
    for (const row of index.group(group)) {
      const node = this.router.parked.has(row.name) ? self : row.node;
      const rows = byNode.get(node);
      if (rows) rows.push(row);
      else byNode.set(node, [row]);
    }
    return byNode;
  }
}

function* chunksOf(rows: readonly Row[]): IterableIterator<readonly Row[]> {
  for (let at = 0; at < rows.length; at += NAMES_PER_FRAME) yield rows.slice(at, at + NAMES_PER_FRAME);
}
