import type { Runtime } from './runtime.interface.js';

/** Longest time that one slice of a long job may hold the event loop; 5 ms is promised, the last item may run over. */
export const SLICE_MS = 4;

/** How many items pass between two looks at the clock. */
const ITEMS_PER_LOOK = 16;

/**
 * Runs `work` for every item, giving the event loop back after each `SLICE_MS`. Stops early when `work` returns
 * false. `done` is called at the end either way. The first slice runs at once.
 */
export function runSliced<T>(
  runtime: Runtime,
  items: Iterable<T>,
  work: (item: T) => boolean | void,
  done: () => void = () => undefined,
): void {
  const iterator = items[Symbol.iterator]();
  const slice = (): void => {
    const until = runtime.now() + SLICE_MS;
    for (let count = 1; ; count++) {
      const next = iterator.next();
      if (next.done || work(next.value) === false) return done();
      if (count % ITEMS_PER_LOOK === 0 && runtime.now() >= until) return runtime.defer(slice);
    }
  };
  slice();
}
