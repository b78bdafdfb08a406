import type { KernelLogger } from './runtime.interface.js';

/**
 * Writes to a logger that may be anyone's: what it throws has no say in what the node does. A line that is lost is all
 * that is lost; a fault in the middle of a decision would leave the decision half made.
 */
export class GuardedLogger implements KernelLogger {
  constructor(private readonly logger: KernelLogger) {}

  error(message: string): void {
    this.write('error', message);
  }

  warn(message: string): void {
    this.write('warn', message);
  }

  log(message: string): void {
    this.write('log', message);
  }

  debug(message: string): void {
    this.write('debug', message);
  }

  verbose(message: string): void {
    this.write('verbose', message);
  }

  private write(level: keyof KernelLogger, message: string): void {
    try {
      this.logger[level](message);
    } catch {
      // There is nobody else to tell.
    }
  }
}
