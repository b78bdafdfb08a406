import { describe, expect, it } from 'vitest';
import { EventLog } from '../../../lib/events/event-log.js';
import { indescribable } from '../../support/indescribable.js';
import { QuietLogger } from '../../support/quiet.logger.js';
import { ManualRuntime } from '../runtime/support/manual.runtime.js';

function make(): { log: EventLog; runtime: ManualRuntime; logger: QuietLogger } {
  const runtime = new ManualRuntime();
  const logger = new QuietLogger();
  return { log: new EventLog(runtime, logger), runtime, logger };
}

describe('the event log of a node', () => {
  it('tells listeners what happened and when, and counts it', () => {
    const { log, runtime } = make();
    const seen: unknown[] = [];
    const stop = log.listen((event) => seen.push(event));
    log.emit({ type: 'node-up', node: 'a' });
    stop();
    log.emit({ type: 'node-up', node: 'b' });
    expect(seen).toEqual([{ type: 'node-up', node: 'a', at: runtime.wallClock() }]);
    expect(log.counters['node-up']).toBe(2);
  });

  it('goes on when a listener throws', () => {
    const { log, logger } = make();
    const seen: unknown[] = [];
    for (const thrown of [new Error('not my day'), ...Object.values(indescribable())])
      log.listen(() => {
        throw thrown;
      });
    log.listen((event) => seen.push(event));
    log.emit({ type: 'node-up', node: 'a' });
    expect(seen).toHaveLength(1);
    expect(logger.lines.join()).toContain('not my day');
  });

  it('warns about dropped messages once a minute, with their number', () => {
    const { log, runtime, logger } = make();
    const events: string[] = [];
    log.listen(({ type }) => events.push(type));
    for (let i = 0; i < 100; i++) log.messageDropped('lamp', 'blink', 'the mailbox is full');
    expect(logger.lines).toHaveLength(1);
    runtime.pass(60_001);
    log.messageDropped('lamp', 'blink', 'the mailbox is full');
    expect(logger.lines).toHaveLength(2);
    expect(logger.lines[1]).toContain('100 message(s)');
    expect(events).toHaveLength(101);
    expect(log.counters['message-dropped']).toBe(101);
  });
});
