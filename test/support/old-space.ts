import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as (options?: { readonly type: 'minor' }) => void;

function used(): number {
  return getHeapSpaceStatistics().find(({ space_name }) => space_name === 'old_space')!.space_used_size;
}

/**
 * So many bytes of what `work` makes are still there after minor collections, although a major one would find them to be
 * dead, or alive. `work` runs `rounds` times, with a minor collection after each; before the first everything has been
 * collected, so that what exists by then belongs to the old generation.
 */
export function bytesGrownOld(rounds: number, work: () => void): number {
  collect();
  collect();
  const before = used();
  for (let round = 0; round < rounds; round++) {
    work();
    collect({ type: 'minor' });
  }
  return used() - before;
}
