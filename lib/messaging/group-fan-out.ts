// Decides how one message reaches every member of a group: one frame per node, fanned out there.
import { CallTimeoutError, NodeUnavailableError, ShuttingDownError, SwarmError } from '../errors/index.js';
import type { OutgoingCall } from './outgoing-call.js';
import type { Runtime } from '../runtime/runtime.interface.js';
import type { RegistryIndex } from '../tracker/registry-index.js';
import type { Row } from '../tracker/row.js';
import {
  FrameKind,
  type MultiAnswerFrame,
  type MultiCallFrame,
  type PublishFrame,
  type WireError,
} from '../transport/frame.js';
import type { NodeId } from '../transport/node-info.js';
import type { PayloadCodec, PayloadRules, RefFactory } from '../transport/payload.interface.js';
import type { Transport } from '../transport/transport.interface.js';
import type { Body, WorkerHost } from '../workers/worker-host.interface.js';
import { PendingReplies } from './pending-replies.js';
import { asSwarmError, fromWireError, toWireError } from './wire-error.js';

/**
 * A node answers a multi-call this much before the caller gives up (a tenth, at most this), so that the answers of
 * its quick members arrive although a slow one has none.
 */
const ANSWER_EARLY_MS = 100;

/** What became of one member. */
export type MemberOutcome =
  { readonly row: Row; readonly value: unknown } | { readonly row: Row; readonly error: Error };

/** One member's answer on the node that hosts it. */
interface LocalOutcome {
  readonly name: string;
  readonly error: SwarmError | undefined;
  readonly value: unknown;
}

export interface GroupFanOutParts {
  readonly self: NodeId;
  readonly runtime: Runtime;
  readonly transport: Transport;
  readonly index: RegistryIndex;
  readonly host: WorkerHost;
  readonly codec: PayloadCodec;
  readonly refs: RefFactory;
  readonly callTimeoutMs: number;
  readonly maxPayloadBytes: number;
  dropped(name: string, pattern: string, reason: string): void;
}

export class GroupFanOut {
  private readonly pending: PendingReplies<MultiAnswerFrame>;
  private readonly dataRules: PayloadRules;
  private readonly answerRules: PayloadRules;

  constructor(private readonly parts: GroupFanOutParts) {
    this.pending = new PendingReplies(parts.runtime);
    this.dataRules = { root: 'data', instances: 'flatten', maxBytes: parts.maxPayloadBytes };
    this.answerRules = { ...this.dataRules, root: 'answer' };
  }

  get size(): number {
    return this.pending.size;
  }

  publish(group: string, pattern: string, data: unknown): number {
    const { self, codec, transport, dropped } = this.parts;
    const body = codec.encode(data, this.dataRules);
    const byNode = this.membersByNode(group);
    const remote = [...byNode.keys()].filter((node) => node !== self);
    const frame: PublishFrame = { kind: FrameKind.Publish, group, pattern, from: '', body };
    const refused = remote.length > 0 ? transport.broadcast(remote, frame) : [];
    for (const node of refused) {
      for (const { name } of byNode.get(node) ?? [])
        dropped(name, pattern, `the link to ${node} did not take it`);
    }
    this.publishHere(group, pattern, self, body);
    let addressed = 0;
    for (const members of byNode.values()) addressed += members.length;
    return addressed;
  }

  onPublish(from: NodeId, { group, pattern, body, from: origin }: PublishFrame): void {
    this.publishHere(group, pattern, origin || from, body);
  }

  async multiCall(group: string, call: OutgoingCall): Promise<MemberOutcome[]> {
    const { self, codec, runtime, callTimeoutMs } = this.parts;
    const { pattern, data, chain, timeoutMs = callTimeoutMs } = call;
    const body = codec.encode(data, this.dataRules);
    const deadline = runtime.now() + timeoutMs;
    const outcomes = [...this.membersByNode(group)].map(async ([node, rows]): Promise<MemberOutcome[]> => {
      if (node === self) {
        const answers = await this.callHere(group, pattern, self, chain, { bytes: body }, deadline);
        return matched(rows, new Map(answers.map((answer) => [answer.name, this.copied(answer)])));
      }
      return this.callThere(node, rows, { group, pattern, chain, body, timeoutMs });
    });
    return (await Promise.all(outcomes)).flat();
  }

  onMultiCall(from: NodeId, frame: MultiCallFrame): void {
    const { runtime, transport } = this.parts;
    const { group, pattern, from: origin, chain, body, timeoutMs, id } = frame;
    const deadline = runtime.now() + timeoutMs - Math.min(ANSWER_EARLY_MS, timeoutMs / 10);
    void this.callHere(group, pattern, origin || from, chain, { bytes: body }, deadline).then((answers) => {
      const results = answers.map((answer) => this.toWire(answer));
      try {
        transport.send(from, { kind: FrameKind.MultiAnswer, id, results });
      } catch (error) {
        this.refuseAll(from, id, answers, error);
      }
    });
  }

  /** Together the answers are more than one frame may hold: each member's caller is told so. */
  private refuseAll(to: NodeId, id: number, answers: readonly LocalOutcome[], error: unknown): void {
    const wire = toWireError(asSwarmError(error, 'answers'));
    const results = answers.map(({ name }) => [name, null, wire] as const);
    try {
      this.parts.transport.send(to, { kind: FrameKind.MultiAnswer, id, results });
    } catch {
      // Not even their names fit; the caller's deadline says the rest.
    }
  }

  onMultiAnswer(from: NodeId, frame: MultiAnswerFrame): void {
    this.pending.answer(from, frame.id, frame);
  }

  unlinked(node: NodeId): void {
    this.pending.unlinked(node);
  }

  close(error: () => ShuttingDownError): void {
    this.pending.close(error);
  }

  private publishHere(group: string, pattern: string, from: NodeId, bytes: Uint8Array): void {
    const { host, dropped } = this.parts;
    for (const name of this.namesHere(group)) {
      host.deliver(name, {
        kind: 'publish',
        pattern,
        body: { bytes },
        from,
        chain: [],
        deadline: Infinity,
        reply: (error) => error && dropped(name, pattern, error.message),
      });
    }
  }

  private callThere(
    node: NodeId,
    rows: readonly Row[],
    call: Pick<MultiCallFrame, 'group' | 'pattern' | 'chain' | 'body' | 'timeoutMs'>,
  ): Promise<MemberOutcome[]> {
    const { transport, refs, codec } = this.parts;
    return new Promise((resolve) => {
      const fail = (error: SwarmError): void => resolve(rows.map((row) => ({ row, error })));
      const late = (): SwarmError => timeout(call.group, call.pattern, call.timeoutMs);
      const id = this.pending.add(node, call.timeoutMs, late, (error, answer) => {
        if (error) return fail(error);
        const answers = new Map<string, Outcome>();
        for (const [name, body, wire] of answer?.results ?? []) {
          answers.set(
            name,
            outcomeOf(() => decoded(body, wire, codec, refs)),
          );
        }
        return resolve(matched(rows, answers));
      });
      const sent = transport.send(node, { kind: FrameKind.MultiCall, id, from: '', ...call });
      if (sent === 'queued') return;
      this.pending.withdraw(id);
      fail(
        new NodeUnavailableError(node, sent === 'full' ? 'its link is overloaded' : 'there is no link to it'),
      );
    });
  }

  /** Asks the members on this node; settles by the deadline with what each has said. */
  private callHere(
    group: string,
    pattern: string,
    from: NodeId,
    chain: readonly string[],
    body: Body,
    deadline: number,
  ): Promise<LocalOutcome[]> {
    const { host, runtime } = this.parts;
    const began = runtime.now();
    const names = this.namesHere(group);
    return new Promise((resolve) => {
      const open = new Set(names);
      const outcomes: LocalOutcome[] = [];
      const finish = (): void => {
        timer.cancel();
        for (const name of open) {
          outcomes.push({ name, error: timeout(group, pattern, deadline - began), value: undefined });
        }
        open.clear();
        resolve(outcomes);
      };
      const timer = runtime.after(Math.max(0, deadline - began), finish);
      for (const name of names) {
        host.deliver(name, {
          kind: 'call',
          pattern,
          body,
          from,
          chain,
          deadline,
          reply: (error, value) => {
            if (!open.delete(name)) return;
            outcomes.push({ name, error, value });
            if (open.size === 0) finish();
          },
        });
      }
      if (names.length === 0) finish();
    });
  }

  private copied({ error, value }: LocalOutcome): Outcome {
    return error ? { error } : outcomeOf(() => this.parts.codec.copy(value, this.answerRules));
  }

  private toWire({
    name,
    error,
    value,
  }: LocalOutcome): readonly [string, Uint8Array | null, WireError | null] {
    const outcome = error ? { error } : outcomeOf(() => this.parts.codec.encode(value, this.answerRules));
    return 'error' in outcome
      ? [name, null, toWireError(outcome.error)]
      : [name, outcome.value as Uint8Array, null];
  }

  private namesHere(group: string): string[] {
    const names: string[] = [];
    for (const row of this.parts.index.group(group)) if (row.node === this.parts.self) names.push(row.name);
    return names;
  }

  private membersByNode(group: string): Map<NodeId, Row[]> {
    const byNode = new Map<NodeId, Row[]>();
    for (const row of this.parts.index.group(group)) {
      const rows = byNode.get(row.node);
      if (rows) rows.push(row);
      else byNode.set(row.node, [row]);
    }
    return byNode;
  }
}

type Outcome = { readonly value: unknown } | { readonly error: SwarmError };

function outcomeOf(make: () => unknown): Outcome {
  try {
    return { value: make() };
  } catch (error) {
    return { error: asSwarmError(error, 'answer') };
  }
}

function decoded(
  body: Uint8Array | null,
  wire: WireError | null,
  codec: PayloadCodec,
  refs: RefFactory,
): unknown {
  if (wire) throw fromWireError(wire, refs);
  return body ? codec.decode(body) : undefined;
}

/** Every member that was addressed gets an outcome, also one that its node does not host any more. */
function matched(rows: readonly Row[], answers: ReadonlyMap<string, Outcome>): MemberOutcome[] {
  return rows.map((row) => ({
    row,
    ...(answers.get(row.name) ?? {
      error: new NodeUnavailableError(row.node, `it does not host "${row.name}" any more`),
    }),
  }));
}

function timeout(group: string, pattern: string, timeoutMs: number): CallTimeoutError {
  return new CallTimeoutError(`the call "${pattern}" to a member of "${group}"`, timeoutMs);
}
