import { expect, it } from 'vitest';
import { Rest } from '../../../lib/runtime/rest.js';
import { seededRandom, VirtualRuntime, VirtualScheduler } from '../../../lib/runtime/virtual.runtime.js';

function scene(): { scheduler: VirtualScheduler; rest: Rest } {
  const scheduler = new VirtualScheduler(seededRandom(1));
  return { scheduler, rest: new Rest(new VirtualRuntime(scheduler)) };
}

it('answers at once when what is waited for is so already', async () => {
  expect(await scene().rest.until(0, () => true)).toBe(true);
});

it('looks again when something has ended, once per tick however often that is said', async () => {
  const { scheduler, rest } = scene();
  let looks = 0;
  let open = 2;
  const waited = rest.until(10_000, () => {
    looks++;
    return open === 0;
  });
  for (let i = 0; i < 100; i++) rest.changed();
  await scheduler.advance(1);
  expect(looks).toBe(2);
  open = 0;
  rest.changed();
  await scheduler.advance(1);
  expect(await waited).toBe(true);
});

it('gives up at its deadline', async () => {
  const { scheduler, rest } = scene();
  const waited = rest.until(100, () => false);
  await scheduler.advance(101);
  expect(await waited).toBe(false);
});
