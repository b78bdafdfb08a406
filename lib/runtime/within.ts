import type { Runtime, Timer } from './runtime.interface.js';

/**
 * What `work` comes to, where it is somebody else's code: whoever waits for it waits no longer than this. It may go on,
 * and what it comes to then is not looked at.
 *
 * @param late what the error says after that time
 * @throws whatever `work` throws or rejects with
 */
export async function within<T>(
  runtime: Runtime,
  ms: number,
  late: string,
  work: () => T | Promise<T>,
): Promise<T> {
  let timer: Timer | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    timer = runtime.after(ms, () => reject(new Error(late)));
  });
  try {
    return await Promise.race([work(), tooLate]);
  } finally {
    timer?.cancel();
  }
}
