// Keeps messages whose worker is being started, is an orphan, is just moving, or is out of reach for the moment, in order
// and not beyond their deadlines (promises P5, P7).
import { MailboxFullError, type SwarmError } from '../errors/index.js';
import type { Runtime, Timer } from '../runtime/runtime.interface.js';
import { runSliced } from '../runtime/slices.js';
import { bodyBytes } from '../workers/body-bytes.js';
import type { Message } from './message.js';

/**
 * Most messages that one node keeps for workers that it cannot reach now. Those from the mailbox of a worker that has
 * moved are not counted: the mailbox has counted them, and a move must lose none.
 */
const PARKED_LIMIT = 100_000;
/** Most bytes of theirs. Messages that were taken back from a worker of this node have no bytes, and are not counted. */
const PARKED_BYTES_LIMIT = 256 * 1024 * 1024;

interface Parked {
  readonly message: Message;
  readonly timer: Timer;
}

export class ParkedMessages {
  private readonly byName = new Map<string, Set<Parked>>();
  private readonly due = new Set<string>();
  /** Names that are tried again although nothing of them changes. */
  private readonly pauses = new Map<string, Timer>();
  /** Whether all are being tried again, and whether that has to be repeated when it is done. */
  private isTryingAll = false;
  private isTryingAllAgain = false;
  private count = 0;
  private rerouted = 0;
  private bytes = 0;

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
    const full = message.rerouted ? undefined : this.fullFor(message);
    if (full) return message.reply(full, undefined);
    const entry = this.entryOf(message);
    const entries = this.byName.get(message.name);
    if (entries) entries.add(entry);
    else this.byName.set(message.name, new Set([entry]));
    return undefined;
  }

  /** Parks messages that are older than those of their name that wait already. */
  parkFirst(name: string, messages: readonly Message[]): void {
    const later = this.byName.get(name) ?? [];
    this.byName.set(name, new Set([...messages.map((message) => this.entryOf(message)), ...later]));
  }

  /** Something of the name has changed; its messages are tried again soon. */
  retry(name: string): void {
    if (!this.byName.has(name)) return;
    if (this.due.size === 0) this.runtime.defer(() => this.releaseDue());
    this.due.add(name);
  }

  /** The name's messages are tried again after so long at the latest. */
  retryWithin(name: string, ms: number): void {
    if (!this.byName.has(name) || this.pauses.has(name)) return;
    const timer = this.runtime.after(ms, () => {
      this.pauses.delete(name);
      this.retry(name);
    });
    this.pauses.set(name, timer);
  }

  /** Something has changed that may concern every name; all messages are tried again soon. */
  retryAll(): void {
    if (this.byName.size === 0) return;
    this.isTryingAllAgain = this.isTryingAll;
    if (this.isTryingAll) return;
    this.isTryingAll = true;
    this.runtime.defer(() => this.release([...this.byName.keys()], () => this.triedAll()));
  }

  close(error: () => SwarmError): void {
    for (const name of [...this.byName.keys()])
      for (const message of this.take(name)) message.reply(error(), undefined);
  }

  private fullFor(message: Message): MailboxFullError | undefined {
    const { name } = message;
    const waiting = `no room for a message to "${name}", which is not to be reached now`;
    if (this.count - this.rerouted >= PARKED_LIMIT) {
      return new MailboxFullError(
        name,
        PARKED_LIMIT,
        `${waiting}: ${PARKED_LIMIT} messages wait on this node`,
      );
    }
    if (this.bytes + bodyBytes(message.body) <= PARKED_BYTES_LIMIT) return undefined;
    return new MailboxFullError(
      name,
      PARKED_BYTES_LIMIT,
      `${waiting}: ${this.bytes} bytes wait on this node`,
    );
  }

  private releaseDue(): void {
    const names = [...this.due];
    this.due.clear();
    this.release(names);
  }

  private triedAll(): void {
    this.isTryingAll = false;
    if (this.isTryingAllAgain) this.retryAll();
  }

  /** In slices: after the loss of a node very many messages may wait. */
  private release(names: readonly string[], done?: () => void): void {
    runSliced(this.runtime, this.tries(names), () => undefined, done);
  }

  /**
   * Tries the messages of each name in order. Those that were not tried yet stay parked, so that new ones do not overtake them;
   * if one has to wait again, the others of its name need not be tried.
   */
  private *tries(names: readonly string[]): IterableIterator<void> {
    for (const name of names) {
      for (let waiting = this.byName.get(name); waiting; waiting = this.byName.get(name)) {
        const [first] = waiting;
        this.forget(name);
        if (!first) break;
        waiting.delete(first);
        this.route(this.withdraw(first));
        const before = this.byName.get(name);
        if (before) for (const later of waiting) before.add(later);
        else if (waiting.size > 0) this.byName.set(name, waiting);
        yield;
        if (before) break;
      }
    }
  }

  private take(name: string): Message[] {
    const entries = [...(this.byName.get(name) ?? [])];
    this.forget(name);
    return entries.map((entry) => this.withdraw(entry));
  }

  /** It waits here no longer. */
  private withdraw({ timer, message }: Parked): Message {
    timer.cancel();
    this.countOff(message);
    return message;
  }

  private expire(entry: Parked): void {
    const { message } = entry;
    const entries = this.byName.get(message.name);
    if (!entries?.delete(entry)) return;
    if (entries.size === 0) this.forget(message.name);
    this.countOff(message);
    message.reply(this.late(message), undefined);
  }

  private entryOf(message: Message): Parked {
    const leftMs = Math.max(0, message.deadline - this.runtime.now());
    const entry: Parked = { message, timer: this.runtime.after(leftMs, () => this.expire(entry)) };
    this.count++;
    if (message.rerouted) this.rerouted++;
    else this.bytes += bodyBytes(message.body);
    return entry;
  }

  private countOff(message: Message): void {
    this.count--;
    if (message.rerouted) this.rerouted--;
    else this.bytes -= bodyBytes(message.body);
  }

  private forget(name: string): void {
    this.byName.delete(name);
    this.pauses.get(name)?.cancel();
    this.pauses.delete(name);
  }
}
