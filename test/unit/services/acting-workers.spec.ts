import { afterEach, describe, expect, it } from 'vitest';
import { SwarmWorker } from '../../../lib/decorators/index.js';
import { NodeUnavailableError, NotStartedError } from '../../../lib/errors/index.js';
import { type Actor, callChain, CallScope } from '../../../lib/workers/call-chain.js';
import type { Act } from '../../../lib/workers/standing.js';
import { row, servicesOver } from './fake-kernel.js';

@SwarmWorker()
class Device {}

/** A worker whose acts are refused, but for some; what it asked for. */
function actor(...may: Act[]): Actor & { readonly asked: Array<readonly [Act, boolean]> } {
  const asked: Array<readonly [Act, boolean]> = [];
  return {
    name: 'lamp',
    asked,
    assertMayAct(act, isDying) {
      asked.push([act, isDying]);
      if (!may.includes(act)) throw new NodeUnavailableError('a@h:1', '"lamp" has no lease there now');
    },
  };
}

type Services = ReturnType<ReturnType<typeof servicesOver>['start']>;
type Operation = readonly [name: string, run: (services: Services) => unknown];

const MESSAGES: readonly Operation[] = [
  ['registry.call', ({ registry }) => registry.call('b', 'p')],
  ['registry.cast', ({ registry }) => registry.cast('b', 'p')],
  ['ref.call', ({ refs }) => refs.of(row('b')).call('p')],
  ['ref.cast', ({ refs }) => refs.of(row('b')).cast('p')],
  ['groups.publish', ({ groups }) => groups.publish('g', 'p')],
  ['groups.multiCall', ({ groups }) => groups.multiCall('g', 'p')],
  ['groups.multiCallSettled', ({ groups }) => groups.multiCallSettled('g', 'p')],
];
const CHANGES: readonly Operation[] = [
  ['registry.register', ({ registry }) => registry.register('b', Device)],
  ['registry.registerOrGet', ({ registry }) => registry.registerOrGet('b', Device)],
  ['registry.registerLocal', ({ registry }) => registry.registerLocal('b', new Device())],
  ['registry.unregister', ({ registry }) => registry.unregister('b')],
  ['groups.join', ({ groups }) => groups.join('g', 'b')],
  ['groups.leave', ({ groups }) => groups.leave('g', 'b')],
];
const ASYNC = /call|register|join|leave/i;

function started(): Services {
  return servicesOver([row('b')], { multiCall: async () => [] }).start();
}

/** What it does as that worker: nothing thrown, or the message of what was. */
async function outcomeOf(scope: CallScope | undefined, run: () => unknown): Promise<string> {
  try {
    await callChain.run(scope, run);
    return 'done';
  } catch (error) {
    return (error as Error).message;
  }
}

describe('what a worker does by the services', () => {
  it.each(MESSAGES)('is refused as a message: %s', async (name, run) => {
    const services = started();
    const lamp = actor('change');
    const scope = new CallScope([], lamp);
    expect(await outcomeOf(scope, () => run(services))).toBe('a@h:1: "lamp" has no lease there now');
    expect(lamp.asked).toEqual([['message', false]]);
    expect(await outcomeOf(new CallScope([], actor('message')), () => run(services))).toBe('done');
    expect(await outcomeOf(undefined, () => run(services))).toBe('done');
    // What says when it is done says also by a rejection that it is not.
    const refused = (): unknown => callChain.run(scope, () => run(services));
    if (ASYNC.test(name)) await expect(refused()).rejects.toBeInstanceOf(NodeUnavailableError);
    else expect(refused).toThrow(NodeUnavailableError);
  });

  it.each(CHANGES)('is refused as a change: %s', async (_, run) => {
    const services = started();
    const lamp = actor('message');
    const scope = new CallScope([], lamp, true);
    await expect(callChain.run(scope, () => run(services))).rejects.toBeInstanceOf(NodeUnavailableError);
    expect(lamp.asked).toEqual([['change', true]]);
    expect(await outcomeOf(new CallScope([], actor('change')), () => run(services))).toBe('done');
    expect(await outcomeOf(undefined, () => run(services))).toBe('done');
  });

  it('does not reach the node when it is refused', async () => {
    const services = started();
    for (const [, run] of [...MESSAGES, ...CHANGES]) {
      expect(await outcomeOf(new CallScope([], actor()), () => run(services))).toContain('no lease');
    }
    const { kernel } = services;
    for (const name of ['call', 'cast', 'publish', 'register', 'registerLocal', 'unregister'] as const)
      expect(kernel[name]).not.toHaveBeenCalled();
    for (const name of ['joinGroup', 'leaveGroup'] as const) expect(kernel[name]).not.toHaveBeenCalled();
  });

  it('may be a question all the same', async () => {
    const { registry, groups, cluster } = started();
    const scope = new CallScope([], actor());
    const questions = [
      () => registry.whereis('b'),
      () => registry.locate('b'),
      () => [...registry.registered()],
      () => registry.count(),
      () => groups.members('g'),
      () => groups.groups(),
      () => cluster.ownerOf('b'),
      () => cluster.explain('b'),
    ];
    for (const question of questions) expect(await outcomeOf(scope, question)).toBe('done');
  });

  it('is told first that the node is not there', async () => {
    const { registry } = servicesOver([]);
    const scope = new CallScope([], actor());
    await expect(callChain.run(scope, () => registry.call('b', 'p'))).rejects.toThrow(NotStartedError);
    expect(() => callChain.run(scope, () => registry.cast('b', 'p'))).toThrow(NotStartedError);
  });
});

describe('what a subscriber does', () => {
  const subscriptions: Array<{ unsubscribe(): void }> = [];
  afterEach(() => {
    for (const subscription of subscriptions.splice(0)) subscription.unsubscribe();
  });

  it('is done by who has subscribed, not by who has caused the event', () => {
    const { registry, cluster, tell } = started();
    const seen: unknown[] = [];
    const note = (): void => void seen.push(callChain.getStore()?.names);
    const subscribe = (): void => {
      subscriptions.push(cluster.events$.subscribe(note), registry.watch({ group: 'g' }).subscribe(note));
    };
    const cause = (): void => {
      tell.event?.({ type: 'node-up', node: 'n', at: 1 });
      const { type: workerType, ...fields } = row('b', 'Device', { groups: ['g'] });
      tell.change?.({ type: 'registered', workerType, ...fields });
    };
    const worker = new CallScope(['outer'], actor());
    subscribe();
    callChain.run(worker, cause);
    expect(seen).toEqual([undefined, undefined]);
    seen.length = 0;
    for (const subscription of subscriptions.splice(0)) subscription.unsubscribe();
    callChain.run(worker, subscribe);
    cause();
    expect(seen).toEqual([
      ['outer', 'lamp'],
      ['outer', 'lamp'],
    ]);
  });

  it('is done also at the end of the stream', () => {
    const { holder, cluster } = started();
    let names: readonly string[] | undefined;
    const complete = (): void => void (names = callChain.getStore()?.names);
    callChain.run(new CallScope([], actor()), () => cluster.events$.subscribe({ complete }));
    holder.complete();
    expect(names).toEqual(['lamp']);
  });
});
