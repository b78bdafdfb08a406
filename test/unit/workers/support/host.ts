import { VirtualRuntime, VirtualScheduler } from '../../../../lib/runtime/virtual.runtime.js';
import { createPayloadCodec } from '../../../../lib/transport/codec/payload.codec.js';
import { LocalWorkerHost, type LocalWorkerHostParts } from '../../../../lib/workers/local-worker.host.js';
import type { HandlerEntry, WorkerDefinition } from '../../../../lib/workers/worker-definition.interface.js';
import type { ActivationSpec, Delivery } from '../../../../lib/workers/worker-host.interface.js';
import { QuietLogger } from '../../../support/quiet.logger.js';

/** What a message came to: one of both, or nothing yet. */
export interface Outcome {
  error?: string;
  value?: unknown;
  /** Until when it holds, if not for ever. */
  goodUntil?: number;
}

/** A promise that the test settles. */
export interface Gate {
  readonly wait: Promise<unknown>;
  open(value?: unknown): void;
}

export function gate(): Gate {
  let open = (_value?: unknown): void => undefined;
  const wait = new Promise((resolve) => (open = resolve));
  return { wait, open: (value) => open(value) };
}

export const never = (): Promise<never> => new Promise(() => undefined);

/** A host of one worker type, `Device`, in virtual time, and what became of its workers. */
export function hostOf(
  more: Partial<WorkerDefinition> = {},
  handlers: Record<string, HandlerEntry['invoke']> = {},
  parts: Partial<LocalWorkerHostParts> = {},
) {
  const scheduler = new VirtualScheduler(() => 0.5);
  const runtime = new VirtualRuntime(scheduler);
  const logger = new QuietLogger();
  const story: string[] = [];
  const codec = createPayloadCodec({ refs: { describe: () => undefined, make: (name) => ({ name }) } });
  const definition: WorkerDefinition = {
    type: 'Device',
    concurrency: 1,
    mailboxLimit: undefined,
    create: () => ({}),
    start: (_, context, args) => void story.push(`start ${context.name} ${JSON.stringify(args)}`),
    die: (_, reason) => void story.push(`die ${reason}`),
    handler: (pattern) => (handlers[pattern] ? { accepts: 'message', invoke: handlers[pattern] } : undefined),
    ...more,
  };
  const host = new LocalWorkerHost({
    definitions: new Map([['Device', definition]]),
    runtime,
    codec,
    mailboxLimit: 3,
    maxPayloadBytes: 1 << 20,
    debug: false,
    logger,
    ...parts,
  });
  const wishes: Array<readonly [wish: string, name: string, fence: number, error?: Error]> = [];
  /** How often the others were asked to acknowledge the node. */
  const renewals = { count: 0 };
  host.attach({
    node: 'here@h:1',
    leaseMs: 3_000,
    renewLeases: () => void renewals.count++,
    joinGroup: async () => undefined,
    leaveGroup: async () => undefined,
    failed: (name, fence, error) => void wishes.push(['fail', name, fence, error]),
    stopped: (name, fence) => void wishes.push(['stop', name, fence]),
  });
  const encode = (value: unknown): Uint8Array =>
    codec.encode(value, { root: 'value', instances: 'refuse', maxBytes: 1 << 20 });
  const start = (name = 'lamp', args?: unknown, spec: Partial<ActivationSpec> = {}): Promise<void> =>
    Promise.resolve(
      host.start({ name, type: 'Device', args: args === undefined ? null : encode(args), fence: 1, ...spec }),
    );
  /** Delivers a message to `lamp`. */
  const send = (pattern: string, delivery: Partial<Delivery> = {}): Outcome => {
    const outcome: Outcome = {};
    host.deliver('lamp', {
      kind: 'call',
      pattern,
      body: { value: undefined },
      from: 'there',
      chain: [],
      deadline: Infinity,
      reply(error, answer, goodUntil) {
        if (Object.keys(outcome).length > 0) throw new Error(`"${pattern}" was answered twice`);
        if (error) outcome.error = error.code;
        else outcome.value = answer && 'value' in answer ? answer.value : answer;
        if (goodUntil !== undefined) outcome.goodUntil = goodUntil;
      },
      ...delivery,
    });
    return outcome;
  };
  /** What has become of a promise, without letting time pass: `pending`, what it gave, or why it was rejected. */
  const stateOf = async (work: unknown): Promise<unknown> => {
    let state: unknown = 'pending';
    Promise.resolve(work).then(
      (value) => (state = value ?? 'ok'),
      (error: { code?: string; message: string }) => (state = error.code ?? error.message),
    );
    await scheduler.advance(0);
    return state;
  };
  return { host, start, send, stateOf, encode, codec, scheduler, runtime, logger, story, wishes, renewals };
}
