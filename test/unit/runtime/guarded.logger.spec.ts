import { expect, it } from 'vitest';
import { GuardedLogger } from '../../../lib/runtime/guarded.logger.js';
import { QuietLogger } from '../../support/quiet.logger.js';

const LEVELS = ['error', 'warn', 'log', 'debug', 'verbose'] as const;

it('writes every line, and lets nothing out that the logger throws', () => {
  const logger = new QuietLogger();
  const guarded = new GuardedLogger(logger);
  for (const level of LEVELS) guarded[level](`a ${level}`);
  expect(logger.lines.map((line) => line.trim().split(/\s+/).slice(1).join(' '))).toEqual(
    LEVELS.map((level) => `${level.toUpperCase()} a ${level}`),
  );
  const broken = new GuardedLogger({} as QuietLogger);
  for (const level of LEVELS) expect(() => broken[level]('lost')).not.toThrow();
});
