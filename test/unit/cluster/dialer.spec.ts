import { describe, expect, it } from 'vitest';
import { Dialer } from '../../../lib/cluster/dialer.js';
import type { DiscoveryProvider } from '../../../lib/discovery/discovery-provider.interface.js';
import { seededRandom, VirtualRuntime, VirtualScheduler } from '../../../lib/runtime/virtual.runtime.js';
import { addressKey, type Address, type NodeInfo } from '../../../lib/transport/node-info.js';
import type { DialOutcome, Transport } from '../../../lib/transport/transport.interface.js';
import { indescribable } from '../../support/indescribable.js';
import { QuietLogger } from '../../support/quiet.logger.js';
import { ManualRuntime } from '../runtime/support/manual.runtime.js';

const PEER: Address = { host: 'h', port: 1 };
const REFUSED: DialOutcome = { kind: 'refused', message: 'nobody is there' };
const LINKED: DialOutcome = { kind: 'linked', peer: {} as NodeInfo };

/** A dialer whose dials end as `outcomes` says, at once; without an entry they do not end. */
function make(
  providers: readonly DiscoveryProvider[] = [],
  { random = () => 0.5, isJoining = true }: { random?: () => number; isJoining?: boolean } = {},
) {
  const scheduler = new VirtualScheduler(random);
  const runtime = new VirtualRuntime(scheduler);
  const outcomes = new Map<string, DialOutcome>();
  const dials: Array<{ key: string; at: number }> = [];
  const linked = new Set<string>();
  let rounds = 0;
  const transport = {
    dial(address: Address) {
      const key = addressKey(address);
      dials.push({ key, at: runtime.now() });
      const outcome = outcomes.get(key);
      if (outcome) runtime.defer(() => dialer.dialed(address, outcome));
    },
  } as Transport;
  const view = {
    isLinked: (key: string) => linked.has(key),
    isJoining: () => isJoining,
    roundEnded: () => void rounds++,
  };
  const logger = new QuietLogger();
  const dialer: Dialer = new Dialer(runtime, transport, providers, view, logger);
  return { dialer, scheduler, dials, outcomes, linked, logger, rounds: () => rounds };
}

function provider(candidates: () => Promise<readonly Address[]>): DiscoveryProvider {
  return { name: 'test', candidates };
}

describe('the dialer', () => {
  it('dials every candidate that is not linked, round after round', async () => {
    const other: Address = { host: 'h', port: 2 };
    const { dialer, scheduler, dials, outcomes, linked, rounds } = make([
      provider(async () => [PEER, other]),
    ]);
    outcomes.set('h:1', REFUSED).set('h:2', REFUSED);
    linked.add('h:2');
    dialer.start();
    await scheduler.advance(1_000);
    expect(rounds()).toBeGreaterThan(3);
    expect(new Set(dials.map(({ key }) => key))).toEqual(new Set(['h:1']));
  });

  it('asks for as long as the node lives, one to three seconds apart and never in step', async () => {
    const asked: number[] = [];
    const { dialer, scheduler } = make(
      [
        provider(async () => {
          asked.push(scheduler.now);
          if (asked.length % 7 === 0) throw new Error('no network');
          return [];
        }),
      ],
      { random: seededRandom(3), isJoining: false },
    );
    dialer.start();
    await scheduler.advance(3_600_000);
    const pauses = asked.slice(1).map((at, index) => at - asked[index]!);
    expect(asked.at(-1)).toBeGreaterThan(3_600_000 - 3_000);
    expect(Math.min(...pauses)).toBeGreaterThanOrEqual(1_000);
    expect(Math.max(...pauses)).toBeLessThanOrEqual(3_000);
    expect(new Set(pauses.map((pause) => Math.round(pause / 100))).size).toBeGreaterThan(15);
  });

  it('ends no round before every dial has ended', async () => {
    const { dialer, scheduler, rounds } = make([provider(async () => [PEER])]);
    dialer.start();
    await scheduler.advance(5_000);
    expect(rounds()).toBe(0);
    expect(dialer.lastRoundStartedAt).toBeUndefined();
    dialer.dialed(PEER, REFUSED);
    expect(rounds()).toBe(1);
    expect(dialer.lastRoundStartedAt).toBe(0);
  });

  it('does not wait for all of a list that is longer than any swarm, and dials all of it in turn', async () => {
    const dead = Array.from({ length: 20_000 }, (_, index) => ({ host: 'dead', port: index }));
    const short = Array.from({ length: 3 }, (_, index) => ({ host: 'short', port: index }));
    const { dialer, scheduler, dials, outcomes, rounds } = make([
      provider(async () => dead),
      provider(async () => short),
    ]);
    for (const address of [...dead, ...short]) outcomes.set(addressKey(address), REFUSED);
    dialer.start();
    await scheduler.runUntil(() => rounds() === 1, 1_000);
    const keysOf = (addresses: readonly Address[]): string[] => addresses.map(addressKey);
    expect(dials.map(({ key }) => key).sort()).toEqual(
      [...keysOf(dead.slice(0, 512)), ...keysOf(short)].sort(),
    );
    await scheduler.runUntil(() => rounds() === 40, 40_000);
    expect(new Set(dials.map(({ key }) => key)).size, 'all').toBe(20_003);
    expect(dials.filter(({ key }) => key === 'short:2')).toHaveLength(40);
  });

  it('passes over those of a long list that are linked', async () => {
    const many = Array.from({ length: 600 }, (_, index) => ({ host: 'h', port: index }));
    const { dialer, scheduler, dials, linked, outcomes, rounds } = make([provider(async () => many)]);
    for (const address of many) outcomes.set(addressKey(address), REFUSED);
    for (const address of many.slice(0, 500)) linked.add(addressKey(address));
    dialer.start();
    await scheduler.runUntil(() => rounds() === 1, 1_000);
    expect(dials.map(({ key }) => key)).toEqual(many.slice(500).map(addressKey));
  });

  it('gives the event loop back while it dials many', async () => {
    const many = Array.from({ length: 512 }, (_, index) => ({ host: 'h', port: index }));
    const runtime = new ManualRuntime();
    let dials = 0;
    const dial = (): void => {
      dials++;
      runtime.spend(1);
    };
    const view = { isLinked: () => false, isJoining: () => true, roundEnded: () => undefined };
    const logger = new QuietLogger();
    new Dialer(runtime, { dial } as unknown as Transport, [provider(async () => many)], view, logger).start();
    await new Promise(setImmediate);
    expect(dials).toBeLessThan(20);
    runtime.pass(1_000);
    expect(dials).toBe(512);
    expect(runtime.longestTaskMs).toBeLessThan(20);
  });

  it('goes on without a provider that rejects, throws, hangs, or gives what is no address', async () => {
    const bad: ReadonlyArray<() => Promise<unknown>> = [
      () => Promise.reject(new Error('no network')),
      () => {
        throw new Error('no network');
      },
      () => new Promise(() => undefined),
      async () => undefined,
      async () => [undefined],
      async () => ['h:1'],
      async () => [{ host: 'h' }],
    ];
    const providers = bad.map((candidates) => provider(candidates as () => Promise<readonly Address[]>));
    const { dialer, scheduler, dials, outcomes, rounds } = make([...providers, provider(async () => [PEER])]);
    outcomes.set('h:1', REFUSED);
    dialer.start();
    await scheduler.advance(10_000);
    expect(rounds()).toBeGreaterThan(2);
    expect(new Set(dials.map(({ key }) => key))).toEqual(new Set(['h:1']));
    expect(dialer.explain().join()).toContain('test');
  });

  it('dials who is named at once, whoever else is still silent, and each once in a round', async () => {
    const silent = provider(() => new Promise(() => undefined));
    const { dialer, scheduler, dials, outcomes, rounds } = make([
      silent,
      provider(async () => [PEER]),
      provider(async () => [PEER]),
    ]);
    outcomes.set('h:1', REFUSED);
    dialer.start();
    await scheduler.advance(1_000);
    expect(dials).toEqual([{ key: 'h:1', at: 0 }]);
    expect(rounds()).toBe(0);
    await scheduler.advance(1_000);
    expect(rounds()).toBe(1);
  });

  it('seeks an address with growing pauses until it is linked', async () => {
    const { dialer, scheduler, dials, outcomes, linked } = make();
    outcomes.set('h:1', REFUSED);
    dialer.seek(PEER);
    dialer.seek(PEER);
    expect(dials).toHaveLength(1);
    await scheduler.advance(10_000);
    const pauses = dials.slice(1).map(({ at }, index) => at - dials[index]!.at);
    expect(pauses[0]).toBeLessThan(100);
    expect(Math.max(...pauses)).toBeLessThanOrEqual(1_500);
    expect(pauses.at(-1)).toBeGreaterThan(pauses[0]!);
    const before = dials.length;
    linked.add('h:1');
    await scheduler.advance(10_000);
    expect(dials).toHaveLength(before);
  });

  it('seeks no more what it was told to forget', async () => {
    const { dialer, scheduler, dials, outcomes } = make();
    outcomes.set('h:1', REFUSED);
    dialer.seek(PEER);
    await scheduler.advance(0);
    dialer.forget(PEER);
    expect(dialer.isIdle).toBe(true);
    await scheduler.advance(10_000);
    expect(dials).toHaveLength(1);
  });

  it('dials lost members in later rounds, for an hour, until they are linked', async () => {
    const { dialer, scheduler, dials, outcomes } = make([provider(async () => [])]);
    outcomes.set('h:1', REFUSED);
    dialer.remember(PEER);
    dialer.start();
    await scheduler.advance(2_000);
    expect(dials.length).toBeGreaterThan(1);
    outcomes.set('h:1', LINKED);
    await scheduler.advance(2_000);
    const before = dials.length;
    await scheduler.advance(2_000);
    expect(dials).toHaveLength(before);
  });

  it('ends its round whatever a provider throws', async () => {
    for (const thrown of Object.values(indescribable())) {
      const { dialer, scheduler, rounds } = make([provider(() => Promise.reject(thrown as Error))]);
      dialer.start();
      await scheduler.advance(1_000);
      expect(rounds()).toBeGreaterThan(1);
    }
  });

  it('says why nobody was found', async () => {
    expect(make().dialer.explain().join()).toContain('no discovery');
    const { dialer, scheduler, outcomes } = make([provider(async () => [PEER])]);
    outcomes.set('h:1', REFUSED);
    dialer.start();
    await scheduler.advance(0);
    expect(dialer.explain()).toEqual(['h:1: nobody is there']);
  });
});
