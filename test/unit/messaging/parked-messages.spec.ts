import { describe, expect, it } from 'vitest';
import type { MailboxFullError, SwarmError } from '../../../lib/errors/index.js';
import { lateError, type Message } from '../../../lib/messaging/message.js';
import { ParkedMessages } from '../../../lib/messaging/parked-messages.js';
import { ManualRuntime } from '../runtime/support/manual.runtime.js';

const LARGE = new Uint8Array(64 * 1024 * 1024);
const DEADLINE = 1_000;

function make() {
  const runtime = new ManualRuntime();
  const routed: Message[] = [];
  const parked = new ParkedMessages(runtime, lateError, (message) => void routed.push(message));
  const refused: SwarmError[] = [];
  const park = (more: Partial<Message> = {}): void =>
    parked.park({
      ...{ kind: 'call', name: 'lamp', pattern: 'ask', body: { bytes: LARGE }, from: 'a', chain: [] },
      ...{ hops: 0, deadline: DEADLINE, timeoutMs: DEADLINE, rerouted: false, rested: false },
      reply: (error) => void refused.push(error!),
      ...more,
    } as Message);
  return { runtime, parked, park, routed, refused };
}

describe('messages that wait on a node', () => {
  it('are no more than 256 MiB', () => {
    const { parked, park, refused } = make();
    for (const name of ['a', 'b', 'c', 'd']) park({ name });
    expect(refused).toEqual([]);
    park({ body: { bytes: new Uint8Array(1) } });
    expect(parked.size).toBe(4);
    expect(refused).toMatchObject([
      { code: 'ERR_SWARM_MAILBOX_FULL', workerName: 'lamp', limit: 268_435_456 },
    ]);
    expect((refused[0] as MailboxFullError).message).toContain('268435456 bytes wait on this node');
    park({ body: { bytes: new Uint8Array(0) } });
    expect(parked.size, 'what has no bytes finds room').toBe(5);
  });

  it('make room when they go, are late, or are given up', () => {
    const { runtime, parked, park, routed, refused } = make();
    for (const name of ['a', 'b', 'c', 'd']) park({ name });
    parked.retry('a');
    runtime.pass(1);
    expect(routed).toHaveLength(1);
    park();
    expect(refused).toEqual([]);
    runtime.pass(DEADLINE);
    expect(refused.map(({ code }) => code)).toEqual(Array(4).fill('ERR_SWARM_CALL_TIMEOUT'));
    for (let round = 0; round < 4; round++) park({ deadline: 2 * DEADLINE });
    parked.close(() => lateError({ ...routed[0]! }));
    for (let round = 0; round < 4; round++) park({ deadline: 2 * DEADLINE });
    expect(parked.size).toBe(4);
    expect(refused.some(({ code }) => code === 'ERR_SWARM_MAILBOX_FULL')).toBe(false);
  });

  it('are not refused for their bytes if the mailbox that they come from has taken them', () => {
    const { parked, park, refused } = make();
    for (let round = 0; round < 6; round++) park({ rerouted: true });
    for (let round = 0; round < 4; round++) park();
    expect([parked.size, refused]).toEqual([10, []]);
  });
});
