import { describe, expect, it } from 'vitest';
import { staticQuorumRing } from '../../../lib/distribution/index.js';
import { FrameKind } from '../../../lib/transport/frame.js';
import { KernelSwarm, workerType } from '../node/support/kernel-swarm.js';

const NAMES = 20;

describe('a worker under a quorum', () => {
  it('stays where it is until as many nodes as are a quorum hold the row of where it goes', async () => {
    const swarm = new KernelSwarm();
    const types = [workerType('Once', { strategy: staticQuorumRing({ size: 3 }) })];
    const nodes = await swarm.form(3, { types });
    const names = Array.from({ length: NAMES }, (_, index) => `name-${index}`);
    for (const name of names)
      await swarm.settle(nodes[0]!.kernel.register(name, 'Once', undefined, {}), 20_000);
    // Only the source is known to hold what the newcomer has tracked.
    swarm.loses = (frame) => frame.kind === FrameKind.BatchAck;
    const late = swarm.boot({ types });
    const here = (): string[] =>
      names.filter((name) => nodes[0]!.kernel.lookup(name)?.node === late.kernel.self.id);
    await swarm.settle(late.started);
    await swarm.until(() => late.kernel.inspect().leases.every(({ leftMs }) => leftMs > 0));
    await swarm.until(() => late.kernel.inspect().queues['arrivals']! > 0);
    await swarm.scheduler.advance(1_000);
    expect(here()).toEqual([]);
    swarm.loses = () => false;
    await swarm.until(() => here().length > 0);
    const echo = { pattern: 'echo', data: 7, timeoutMs: undefined, chain: [] };
    for (const name of names) expect(await swarm.outcome(nodes[1]!.kernel.call(name, echo))).toBe(7);
  });

  it('is registered as soon as a node counts that holds its row already', async () => {
    const swarm = new KernelSwarm();
    const types = [workerType('Once', { strategy: staticQuorumRing({ size: 2 }) })];
    const [a, b] = await swarm.form(2, { types });
    await swarm.until(() => a!.kernel.inspect().leases.every(({ leftMs }) => leftMs > 0));
    // The newcomer holds what `a` tracks, and does not count while it joins; `b` counts, and its word is lost.
    swarm.loses = ({ kind }, from) =>
      from === b!.key && (kind === FrameKind.Adopted || kind === FrameKind.BatchAck);
    const late = swarm.boot({ types });
    await swarm.until(() => a!.kernel.nodes().length === 3 && late.kernel.nodes().length === 3);
    const isOwned = (name: string): boolean => a!.kernel.ownerOf(name, 'Once') === a!.kernel.self.id;
    const name = Array.from({ length: NAMES }, (_, index) => `name-${index}`).find(isOwned)!;
    const registered = a!.kernel.register(name, 'Once', undefined, {});
    expect(await swarm.outcome(registered, 2_000)).toBe('pending');
    swarm.loses = ({ kind }, from) => from === b!.key && kind === FrameKind.BatchAck;
    swarm.network.breakLink(late.key, b!.key);
    await swarm.until(() => late.kernel.self.status === 'up', 2_000);
    expect(await swarm.outcome(registered, 1_000)).not.toBe('pending');
    await registered;
  });
});
