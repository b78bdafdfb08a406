import { afterEach, describe, expect, it } from 'vitest';

import { FrameKind, type Frame } from '../../../lib/transport/frame.js';
import { AgingRuntime, HostileNodes, linked, roundTripMs, UNDISTURBED_MS } from './support/hostile-nodes.js';
import { until, type TestNode } from './support/test-node.js';

const FRAMES = 3_000;
const nodes = new HostileNodes();
afterEach(() => nodes.end());

/** Handles what comes as slowly as a kernel that has a lot to do with each frame. */
function handleSlowly(node: TestNode, ms: number): void {
  node.onFrame = () => {
    const end = performance.now() + ms;
    while (performance.now() < end);
  };
}

function cast(id: number, bytes = 0): Frame {
  const body = new Uint8Array(bytes);
  return { kind: FrameKind.Cast, name: 'nobody', pattern: String(id), from: '', hops: 0, body };
}

function idsFrom(node: TestNode, peer: TestNode): number[] {
  return node.frames.flatMap(({ from, frame }) =>
    from === peer.id && frame.kind === FrameKind.Cast ? [Number(frame.pattern)] : [],
  );
}

const inOrder = (count: number): number[] => Array.from({ length: count }, (_, id) => id);

describe('a linked peer that floods', () => {
  it('is read in turns, beside the others, in order', async () => {
    const flooded = await nodes.open('z');
    const [flooder, other] = [await nodes.open('a'), await nodes.open('b')];
    await linked(flooder, flooded);
    await linked(other, flooded);
    // All that follows is less than the system hands over at once: a second of work.
    handleSlowly(flooded, 0.5);
    for (let id = 0; id < FRAMES; id++) flooder.send(flooded, cast(id));
    await until(() => idsFrom(flooded, flooder).length > 0, 'the flood is here');
    const { onFrame } = flooded;
    for (let round = 0; round < 5; round++) {
      const began = performance.now();
      const known = flooded.frames.length;
      other.send(flooded, cast(round));
      await until(() => flooded.frames.slice(known).some(({ from }) => from === other.id), 'heard');
      expect(performance.now() - began).toBeLessThan(UNDISTURBED_MS);
    }
    expect(flooded.onFrame).toBe(onFrame);
    expect(idsFrom(flooded, flooder).length).toBeLessThan(FRAMES);
    await until(() => idsFrom(flooded, flooder).length === FRAMES, 'all of it is handled', 20_000);
    expect(idsFrom(flooded, flooder)).toEqual(inOrder(FRAMES));
    expect(flooded.closed).toEqual([]);
  });

  it('gives the event loop back after each frame that takes a whole turn', async () => {
    const runtime = new AgingRuntime();
    const flooded = await nodes.open('z', { runtime });
    const flooder = await nodes.open('a');
    await linked(flooder, flooded);
    let [handled, before, most] = [0, 0, 0];
    flooded.onFrame = () => {
      handled++;
      runtime.aheadMs += 6;
    };
    const look = (): void => {
      most = Math.max(most, handled - before);
      before = handled;
      next = setImmediate(look);
    };
    let next = setImmediate(look);
    for (let id = 0; id < 50; id++) flooder.send(flooded, cast(id, 5_000));
    await until(() => idsFrom(flooded, flooder).length === 50, 'all of it is handled');
    clearImmediate(next);
    expect(most).toBe(1);
  });

  it('is counted, and told of once a minute', async () => {
    const runtime = new AgingRuntime();
    const flooded = await nodes.open('z', { runtime });
    const flooder = await nodes.open('a');
    await linked(flooder, flooded);
    handleSlowly(flooded, 1);
    const flood = async (frames: number): Promise<void> => {
      const all = idsFrom(flooded, flooder).length + frames;
      for (let id = 0; id < frames; id++) flooder.send(flooded, cast(id));
      await until(() => idsFrom(flooded, flooder).length === all, 'all of it is handled', 20_000);
    };
    const told = (): string[] => flooded.lines.filter((line) => line.startsWith('warn'));
    await flood(2_500);
    expect(flooded.transport.inspect().counters['linksFlooding']).toBeGreaterThan(1);
    expect(told()).toEqual([expect.stringContaining(`${flooder.id} sends more than this node handles`)]);
    runtime.aheadMs = 61_000;
    await flood(1_300);
    expect(told()).toHaveLength(2);
  });

  it('loses nothing between two turns, however large, and is heard when it leaves', async () => {
    const flooded = await nodes.open('z');
    const flooder = await nodes.open('a');
    await linked(flooder, flooded);
    handleSlowly(flooded, 1);
    // Whole ones, ones that are cut by the end of a chunk, and ones in fragments.
    for (let id = 0; id < 300; id++) flooder.send(flooded, cast(id, [0, 900, 40_000, 150_000][id % 4]!));
    flooder.transport.disconnect(flooded.id, 'enough', true);
    await until(() => flooded.closed.length === 1, 'closed');
    expect(idsFrom(flooded, flooder)).toEqual(inOrder(300));
    expect(flooded.closed[0]).toMatchObject({ reason: 'closed', detail: 'enough' });
  });

  it('is heard to its last word, wherever a turn ends', async () => {
    // The end of the connection comes with the last chunk, which is read only when the turn for it has come.
    for (let count = 10; count < 26; count++) {
      const [flooded, flooder] = [await nodes.open('z'), await nodes.open('a')];
      await linked(flooder, flooded);
      handleSlowly(flooded, 1);
      for (let id = 0; id < count; id++) flooder.send(flooded, cast(id, 4_200));
      flooder.transport.disconnect(flooded.id, 'enough', true);
      await until(() => flooded.closed.length === 1, 'closed');
      expect(idsFrom(flooded, flooder)).toEqual(inOrder(count));
      expect(flooded.closed[0]).toMatchObject({ reason: 'closed', detail: 'enough' });
    }
  });

  it('may be gone in the middle of a turn', async () => {
    const flooded = await nodes.open('z');
    const [flooder, other] = [await nodes.open('a'), await nodes.open('b')];
    await linked(flooder, flooded);
    await linked(other, flooded);
    handleSlowly(flooded, 1);
    for (let id = 0; id < 500; id++) flooder.send(flooded, cast(id));
    await until(() => idsFrom(flooded, flooder).length > 0, 'the flood is here');
    flooded.disconnect(flooder, 'too much');
    const heard = idsFrom(flooded, flooder).length;
    expect(heard).toBeLessThan(500);
    await until(() => flooder.closed.length === 1, 'closed');
    expect(await roundTripMs(other, flooded, 1)).toBeLessThan(UNDISTURBED_MS);
    expect(idsFrom(flooded, flooder)).toHaveLength(heard);
  });
});
