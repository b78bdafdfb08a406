import type { KernelLogger } from '../../lib/runtime/runtime.interface.js';

/** Keeps the lines for those who ask, prints nothing. */
export class QuietLogger implements KernelLogger {
  readonly lines: string[] = [];

  constructor(
    private readonly prefix = '',
    private readonly time: () => number = () => 0,
    private readonly sink: string[] = [],
  ) {}

  error(message: string): void {
    this.write('ERROR', message);
  }
  log(message: string): void {
    this.write('LOG', message);
  }
  warn(message: string): void {
    this.write('WARN', message);
  }
  debug(message: string): void {
    this.write('DEBUG', message);
  }
  verbose(message: string): void {
    this.write('VERBOSE', message);
  }

  private write(level: string, message: string): void {
    const line = `${this.time().toFixed(0).padStart(7)} ${this.prefix} ${level} ${message}`;
    this.lines.push(line);
    this.sink.push(line);
  }
}
