import { stackOf } from '../errors/thrown.js';
import type { KernelLogger, Runtime } from '../runtime/runtime.interface.js';

/** Errors of handlers that are logged one by one within `LOG_WINDOW_MS`; the rest is counted. */
const LOGGED_FAILURES = 100;
const LOG_WINDOW_MS = 60_000;

/** Logs what methods of workers throw, with its stack, and not without end: a worker may throw at every message. */
export class FailureLog {
  private failures = 0;
  private since = -Infinity;

  constructor(
    private readonly runtime: Runtime,
    private readonly logger: KernelLogger,
  ) {}

  note(what: string, error: unknown): void {
    const now = this.runtime.now();
    if (now - this.since > LOG_WINDOW_MS) {
      if (this.failures > LOGGED_FAILURES)
        this.logger.error(`${this.failures - LOGGED_FAILURES} more handlers have thrown`);
      this.failures = 0;
      this.since = now;
    }
    this.failures++;
    if (this.failures > LOGGED_FAILURES) return;
    this.logger.error(`${what}: ${stackOf(error)}`);
  }
}
