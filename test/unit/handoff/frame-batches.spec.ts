import { expect, it } from 'vitest';
import { FrameBatches } from '../../../lib/handoff/frame-batches.js';
import { seededRandom, VirtualRuntime, VirtualScheduler } from '../../../lib/runtime/virtual.runtime.js';
import type { PacedSender } from '../../../lib/tracker/paced-sender.js';
import { FrameKind, type Frame, type UndecidedFrame } from '../../../lib/transport/frame.js';

type Item = UndecidedFrame['arrivals'][number];

async function sentBy(
  items: ReadonlyArray<readonly [to: string, name: string, bytes: number]>,
): Promise<string[]> {
  const scheduler = new VirtualScheduler(seededRandom(1));
  const sent: string[] = [];
  const sender: Pick<PacedSender, 'send'> = {
    send(to, frames: Iterator<Frame>) {
      for (let next = frames.next(); !next.done; next = frames.next()) {
        const { arrivals } = next.value as UndecidedFrame;
        sent.push(`${to}: ${arrivals.map(([name]) => name).join(' ')}`);
      }
    },
  };
  const batches = new FrameBatches<Item>(
    new VirtualRuntime(scheduler),
    sender as PacedSender,
    ([, bytes]) => bytes,
    (arrivals) => ({ kind: FrameKind.Undecided, arrivals }),
    () => sent.push('before'),
  );
  for (const [to, name, bytes] of items) batches.add(to, [name, bytes]);
  expect(sent, 'nothing goes before the tick is over').toEqual([]);
  await scheduler.advance(1);
  return sent;
}

it('makes one frame per node of what comes within a tick, after what must be on its way before', async () => {
  const sent = await sentBy([
    ['a', 'one', 10],
    ['b', 'two', 10],
    ['a', 'three', 10],
  ]);
  expect(sent).toEqual(['before', 'a: one three', 'b: two']);
});

it('lets a frame hold what goes whole over a link, or one item that is larger', async () => {
  const sent = await sentBy([
    ['a', 'small', 1_000],
    ['a', 'large', 4_000_000],
    ['a', 'half', 30_000],
    ['a', 'other-half', 30_000],
  ]);
  expect(sent).toEqual(['before', 'a: small', 'a: large', 'a: half', 'a: other-half']);
});

it('lets no frame hold more than 256 items', async () => {
  const sent = await sentBy(Array.from({ length: 600 }, (_, index) => ['a', String(index), 1] as const));
  expect(sent.slice(1).map((line) => line.split(' ').length - 1)).toEqual([256, 256, 88]);
});
