import { describe, expect, it } from 'vitest';
import { CallTimeoutError, NodeUnavailableError, ShuttingDownError } from '../../../lib/errors/index.js';
import { PendingReplies } from '../../../lib/messaging/pending-replies.js';
import { bytesGrownOld } from '../../support/old-space.js';
import { ManualRuntime } from '../runtime/support/manual.runtime.js';

/** How long one task may keep the event loop. */
const PROMISED_MS = 5;
const TIMEOUT_MS = 1_000;

/** Questions to one node, each of which takes a while to be told how it has ended. */
function questions(count: number) {
  const runtime = new ManualRuntime();
  const pending = new PendingReplies<number>(runtime);
  const ends: unknown[] = [];
  const ids = Array.from({ length: count }, () =>
    pending.add('b', TIMEOUT_MS, {
      late: () => new CallTimeoutError('x', TIMEOUT_MS),
      settle(error, reply) {
        runtime.spend(0.05);
        ends.push(error?.constructor ?? reply);
      },
    }),
  );
  return { runtime, pending, ends, ids };
}

describe('questions to a node that is lost', () => {
  it('all end, in turns with everything else', () => {
    const { runtime, pending, ends } = questions(1_000);
    runtime.measured(() => pending.unlinked('b'));
    expect(ends.length).toBeLessThan(1_000);
    runtime.pass(100);
    expect(ends).toEqual(Array.from({ length: 1_000 }, () => NodeUnavailableError));
    expect(pending.size).toBe(0);
    expect(runtime.longestTaskMs).toBeLessThanOrEqual(PROMISED_MS);
  });

  it('take no answer any more, also those whose turn has not come', () => {
    const { runtime, pending, ends, ids } = questions(1_000);
    pending.unlinked('b');
    expect(pending.answer('b', ids.at(-1)!, 1)).toBe(false);
    runtime.pass(100);
    expect(ends.at(-1)).toBe(NodeUnavailableError);
  });

  it('end once, also when this node shuts down before their turn has come', () => {
    const { runtime, pending, ends } = questions(1_000);
    pending.unlinked('b');
    pending.close(() => new ShuttingDownError());
    runtime.pass(2 * TIMEOUT_MS);
    expect(ends).toHaveLength(1_000);
    expect(ends.at(-1)).toBe(ShuttingDownError);
  });
});

describe('questions that are answered', () => {
  it('are freed by minor collections, whatever is under way beside them', () => {
    const pending = new PendingReplies<number>(new ManualRuntime());
    const ask = (): number => {
      const ballast = Array.from({ length: 100 }, () => 0);
      const late = (): CallTimeoutError => new CallTimeoutError('x', ballast.length);
      return pending.add('b', TIMEOUT_MS, { late, settle: () => ballast.length });
    };
    const underWay = Array.from({ length: 64 }, ask);
    const grown = bytesGrownOld(20, () => {
      for (let count = 0; count < 1_000; count++) {
        pending.answer('b', underWay[count % 64]!, 1);
        underWay[count % 64] = ask();
      }
    });
    // 20,000 of more than 1 KB have been answered.
    expect(grown).toBeLessThan(1_000_000);
  });
});
