import type { Runtime, Timer } from './runtime.interface.js';

/**
 * The result of somebody else's code, waited for `ms` milliseconds at most. The work may go on after that; its result is then
 * ignored.
 *
 * @param late the message of the error that is thrown after that time
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
