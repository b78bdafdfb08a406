import { expect, it } from 'vitest';
import { LimitedLogger } from '../../../lib/runtime/limited.logger.js';
import { seededRandom, VirtualRuntime, VirtualScheduler } from '../../../lib/runtime/virtual.runtime.js';
import { QuietLogger } from '../../support/quiet.logger.js';

it('logs a hundred warnings a minute, says that there are more, and goes on in the next', async () => {
  const scheduler = new VirtualScheduler(seededRandom(1));
  const inner = new QuietLogger();
  const logger = new LimitedLogger(new VirtualRuntime(scheduler), inner);
  for (let i = 0; i < 500; i++) {
    logger.warn(`warning ${i}`);
    logger.error(`error ${i}`);
    logger.debug(`debug ${i}`);
  }
  expect(inner.lines.filter((line) => /warning \d|error \d/.test(line))).toHaveLength(100);
  expect(inner.lines.filter((line) => line.includes('more than 100 warnings'))).toHaveLength(1);
  expect(inner.lines.filter((line) => line.includes('debug'))).toHaveLength(500);
  await scheduler.advance(60_001);
  logger.warn('the next minute');
  expect(inner.lines.at(-1)).toContain('the next minute');
});
