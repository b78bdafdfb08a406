import type { Random } from '../unit/transport/support/random.js';

/** What a broken or hostile peer makes of bytes: some are changed, cut out, doubled, put in, or lost at the end. */
export function mutated(bytes: Buffer, random: Random): Buffer {
  let all = Buffer.from(bytes);
  for (let times = 1 + random.below(4); times > 0; times--) {
    const at = random.below(all.length + 1);
    const length = random.below(Math.min(64, all.length - at) + 1);
    const [before, there, after] = [
      all.subarray(0, at),
      all.subarray(at, at + length),
      all.subarray(at + length),
    ];
    switch (random.below(6)) {
      case 0:
        if (all.length > 0) all[Math.min(at, all.length - 1)]! ^= 1 << random.below(8);
        break;
      case 1:
        all = Buffer.concat([before, random.bytes(length), after]);
        break;
      case 2:
        all = Buffer.concat([before, after]);
        break;
      case 3:
        all = Buffer.concat([before, there, there, after]);
        break;
      case 4:
        all = Buffer.concat([
          before,
          Buffer.alloc(random.below(9), random.pick([0, 1, 0x7f, 0x80, 0xff])),
          after,
        ]);
        break;
      default:
        all = Buffer.from(before);
    }
  }
  return all;
}

/** Cut where a network might cut it. */
export function* pieces(bytes: Buffer, random: Random): IterableIterator<Buffer> {
  for (let at = 0; at < bytes.length;) {
    const length = 1 + random.below(random.bool() ? 3 : bytes.length);
    yield bytes.subarray(at, at + length);
    at += length;
  }
}
