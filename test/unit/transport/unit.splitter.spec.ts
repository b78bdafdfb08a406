import { describe, expect, it } from 'vitest';

import { UnitSplitter } from '../../../lib/transport/tcp/unit.splitter.js';
import { unitOf } from '../../../lib/transport/tcp/wire.js';
import { Random } from './support/random.js';

const MOST_BYTES = 70_000;

describe('the splitter', () => {
  it.each(Array.from({ length: 10 }, (_, index) => index + 1))(
    'gives units whose bytes stay, though it is lent the same memory again and again (seed %i)',
    (seed) => {
      const random = new Random(seed);
      const sizes = Array.from({ length: 80 }, () => random.below(random.bool() ? 50 : MOST_BYTES));
      const bodies = sizes.map((bytes) => random.bytes(bytes));
      const stream = Buffer.concat(bodies.map((body, index) => unitOf(index % 100, body)));
      const units: Array<{ kind: number; body: Buffer }> = [];
      const splitter: UnitSplitter = new UnitSplitter(MOST_BYTES + 1, (kind, bytes, start, end) => {
        units.push({ kind, body: bytes.subarray(start, end) });
        if (random.below(10) === 0) splitter.hold();
      });
      const memory = Buffer.alloc(65_536);
      for (let at = 0; at < stream.length;) {
        const most = random.bool() ? memory.length : 1 + random.below(40);
        const count = stream.copy(memory, 0, at, at + most);
        splitter.push(memory.subarray(0, count), true);
        memory.fill(0xee, 0, count);
        at += count;
        // What it held back may hold it up again.
        for (let given = -1; given < units.length;) {
          given = units.length;
          splitter.goOn();
        }
      }
      expect(units.map(({ kind }) => kind)).toEqual(bodies.map((_, index) => index % 100));
      expect(units.every(({ body }, index) => body.equals(bodies[index] as Uint8Array))).toBe(true);
    },
  );
});
