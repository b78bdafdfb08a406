// What happened on this node: told to listeners, counted for `inspect()`.
import { messageOf } from '../errors/thrown.js';
import type { KernelLogger, Runtime } from '../runtime/runtime.interface.js';
import type { SwarmEvent, SwarmEventContent } from './swarm-event.js';

/** Dropped messages are warned about this often, with their number. */
const DROPPED_WARNING_MS = 60_000;

export class EventLog {
  private readonly counts = new Map<string, number>();
  private readonly listeners = new Set<(event: SwarmEvent) => void>();
  private dropped = 0;
  private warnedAt = -Infinity;

  constructor(
    private readonly runtime: Runtime,
    private readonly logger: KernelLogger,
  ) {}

  listen(listener: (event: SwarmEvent) => void): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  /** How often each kind of event, and of what else is counted, has come. */
  get counters(): Record<string, number> {
    return Object.fromEntries(this.counts);
  }

  count(counter: string): void {
    this.counts.set(counter, (this.counts.get(counter) ?? 0) + 1);
  }

  emit(content: SwarmEventContent): void {
    this.count(content.type);
    if (this.listeners.size === 0) return;
    const event: SwarmEvent = { ...content, at: Math.floor(this.runtime.wallClock()) };
    for (const listener of this.listeners) {
      try {
        listener(event);
      } catch (error) {
        this.logger.error(`a listener of swarm events threw: ${messageOf(error)}`);
      }
    }
  }

  messageDropped(name: string, pattern: string, reason: string): void {
    this.emit({ type: 'message-dropped', name, pattern, reason });
    this.dropped++;
    const now = this.runtime.now();
    if (now - this.warnedAt < DROPPED_WARNING_MS) return;
    this.logger.warn(
      `${this.dropped} message(s) dropped in the last minute; the latest: "${pattern}" to "${name}": ${reason}`,
    );
    this.warnedAt = now;
    this.dropped = 0;
  }
}
