/** How many operations are between two looks at the clock. */
const PER_LOOK = 8;

/** Runs `work` for every number below `count`, `width` at a time; returns the milliseconds it took. */
export async function timeFor(
  count: number,
  width: number,
  work: (index: number) => Promise<unknown>,
): Promise<number> {
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < count) await work(next++);
  };
  const began = performance.now();
  await Promise.all(Array.from({ length: width }, lane));
  return performance.now() - began;
}

/** Keeps `width` operations in flight for `forMs`; returns how many were done per second. */
export async function rateOf(width: number, forMs: number, work: () => Promise<unknown>): Promise<number> {
  let done = 0;
  let over = false;
  const began = performance.now();
  const until = began + forMs;
  const lane = async (): Promise<void> => {
    while (!over) {
      await work();
      done++;
      if (done % PER_LOOK === 0) over = performance.now() >= until;
    }
  };
  await Promise.all(Array.from({ length: width }, lane));
  return (done / (performance.now() - began)) * 1000;
}

/** Milliseconds of a clock that all processes of a machine share. */
export function sharedNow(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
