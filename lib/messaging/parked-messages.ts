// Keeps messages whose worker is being started, is an orphan, or is out of reach for the moment, in order and not
// beyond their deadlines (promise P7).
import { MailboxFullError, type SwarmError } from '../errors/index.js';
import type { Runtime, Timer } from '../runtime/runtime.interface.js';
import type { Message } from './message.js';

/** Most messages that one node keeps for workers that it cannot reach now. */
const PARKED_LIMIT = 100_000;

interface Parked {
  readonly message: Message;
  readonly timer: Timer;
}

export class ParkedMessages {
  private readonly byName = new Map<string, Set<Parked>>();
  private readonly due = new Set<string>();
  private count = 0;

  constructor(
    private readonly runtime: Runtime,
    private readonly late: (message: Message) => SwarmError,
    /** Tries again to send; parks again what still cannot go. */
    private readonly route: (message: Message) => void,
  ) {}

  get size(): number {
    return this.count;
  }

  /** Whether earlier messages wait for the name, so that later ones must not overtake them. */
  has(name: string): boolean {
    return this.byName.has(name);
  }

  park(message: Message): void {
    if (this.count >= PARKED_LIMIT) {
      return message.reply(new MailboxFullError(message.name, PARKED_LIMIT), undefined);
    }
    const entry: Parked = {
      message,
      timer: this.runtime.after(Math.max(0, message.deadline - this.runtime.now()), () => this.expire(entry)),
    };
    const entries = this.byName.get(message.name);
    if (entries) entries.add(entry);
    else this.byName.set(message.name, new Set([entry]));
    this.count++;
    return undefined;
  }

  /** Something of the name has changed; its messages are tried again soon. */
  retry(name: string): void {
    if (!this.byName.has(name)) return;
    if (this.due.size === 0) this.runtime.defer(() => this.release());
    this.due.add(name);
  }

  retryAll(): void {
    for (const name of this.byName.keys()) this.retry(name);
  }

  close(error: () => SwarmError): void {
    for (const name of [...this.byName.keys()])
      for (const message of this.take(name)) message.reply(error(), undefined);
  }

  private release(): void {
    const names = [...this.due];
    this.due.clear();
    for (const name of names) for (const message of this.take(name)) this.route(message);
  }

  private take(name: string): Message[] {
    const entries = [...(this.byName.get(name) ?? [])];
    this.byName.delete(name);
    this.count -= entries.length;
    for (const { timer } of entries) timer.cancel();
    return entries.map(({ message }) => message);
  }

  private expire(entry: Parked): void {
    const { name } = entry.message;
    const entries = this.byName.get(name);
    if (!entries?.delete(entry)) return;
    if (entries.size === 0) this.byName.delete(name);
    this.count--;
    entry.message.reply(this.late(entry.message), undefined);
  }
}
