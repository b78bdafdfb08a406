import type { KernelLogger, Runtime } from './runtime.interface.js';

/** Warnings and errors that are logged one by one within `WINDOW_MS`; of the rest only the number is told. */
const LOGGED = 100;
const WINDOW_MS = 60_000;

/** A logger for what is said of single workers: thousands of them may have the same trouble in the same second. */
export class LimitedLogger implements KernelLogger {
  private said = 0;
  private since = -Infinity;

  constructor(
    private readonly runtime: Runtime,
    private readonly logger: KernelLogger,
  ) {}

  error(message: string): void {
    if (this.maySay()) this.logger.error(message);
  }

  warn(message: string): void {
    if (this.maySay()) this.logger.warn(message);
  }

  log(message: string): void {
    this.logger.log(message);
  }

  debug(message: string): void {
    this.logger.debug(message);
  }

  verbose(message: string): void {
    this.logger.verbose(message);
  }

  private maySay(): boolean {
    const now = this.runtime.now();
    if (now - this.since > WINDOW_MS) {
      this.said = 0;
      this.since = now;
    }
    this.said++;
    if (this.said === LOGGED + 1) {
      this.logger.warn(
        `more than ${LOGGED} warnings about workers within a minute: the rest of them is not logged, see events$ and inspect()`,
      );
    }
    return this.said <= LOGGED;
  }
}
