import { describe, expect, it } from 'vitest';
import {
  HandoffDecision,
  ignore,
  readDecision,
  restart,
  resume,
} from '../../../lib/workers/handoff-decision.js';

describe('a decision', () => {
  it('is what the functions make, and nothing else', () => {
    expect(readDecision(resume({ total: 1 }))).toEqual({ kind: 'resume', state: { total: 1 } });
    expect(readDecision(resume(undefined))).toEqual({ kind: 'resume', state: undefined });
    expect(readDecision(restart())).toEqual({ kind: 'restart' });
    expect(readDecision(ignore())).toEqual({ kind: 'ignore' });
    class Own extends HandoffDecision<number> {
      readonly kind = 'resume';
      constructor() {
        super(1);
      }
    }
    for (const junk of [undefined, null, 'restart', { kind: 'restart' }, resume, new Own(), [restart()]]) {
      expect(readDecision(junk)).toBeUndefined();
    }
  });

  it('may stand in decorated signatures', () => {
    expect([resume(1), restart(), ignore()].every((decision) => decision instanceof HandoffDecision)).toBe(
      true,
    );
  });
});
