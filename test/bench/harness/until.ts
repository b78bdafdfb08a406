const LOOK_EVERY_MS = 2;
const PATIENCE_MS = 60_000;

/** Resolves when it is so. @throws Error if it is not within a minute */
export async function until(isSo: () => Promise<boolean>): Promise<void> {
  const began = performance.now();
  while (!(await isSo())) {
    if (performance.now() - began > PATIENCE_MS) throw new Error(`it was not so within ${PATIENCE_MS} ms`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}
