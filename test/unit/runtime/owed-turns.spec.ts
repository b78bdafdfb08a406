import { describe, expect, it } from 'vitest';
import { OwedTurns } from '../../../lib/runtime/owed-turns.js';
import { ManualRuntime } from './support/manual.runtime.js';

const PROMISED_MS = 5;

/** How much was answered before the event loop had its turn, to who asks again as soon as he is answered. */
async function answeredInOneTurn(runtime: ManualRuntime, ask: () => Promise<unknown>): Promise<number> {
  let answered = 0;
  const turn = new AbortController();
  const askForEver = async (): Promise<void> => {
    while (!turn.signal.aborted && answered < 1_000) {
      await ask().catch(() => undefined);
      runtime.spend(0.1);
      answered++;
    }
  };
  const asking = askForEver();
  await new Promise(setImmediate);
  turn.abort();
  runtime.pass(1);
  await asking;
  return answered;
}

describe('who waits again and again for what is answered at once', () => {
  it.each([
    ['answered', (): Promise<number> => Promise.resolve(1)],
    ['refused', (): Promise<number> => Promise.reject(new Error('no'))],
  ])('gets no more than 5 ms before the event loop has its turn (%s)', async (_, made) => {
    const runtime = new ManualRuntime();
    const turns = new OwedTurns(runtime);
    for (let round = 0; round < 3; round++) {
      const count = await answeredInOneTurn(runtime, () => turns.answer(made()));
      expect(count * 0.1).toBeLessThanOrEqual(PROMISED_MS);
      expect(count).toBeGreaterThan(10);
    }
  });

  it('waits for nothing where the time is not up', async () => {
    const runtime = new ManualRuntime();
    const turns = new OwedTurns(runtime);
    for (let round = 0; round < 100; round++) expect(await turns.answer(Promise.resolve(round))).toBe(round);
    expect(runtime.pending).toBe(0);
  });
});
