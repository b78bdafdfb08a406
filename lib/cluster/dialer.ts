// Decides whom to dial and when: candidates from discovery, members that others named, members whose link broke,
// and nodes that were taken for dead (so that a partition heals even if discovery knows one seed only).
import { PROVIDER_TIMEOUT_MS, type DiscoveryProvider } from '../discovery/discovery-provider.interface.js';
import { messageOf } from '../errors/thrown.js';
import { keepLatest } from '../runtime/keep-latest.js';
import type { KernelLogger, Runtime, Timer } from '../runtime/runtime.interface.js';
import { runSliced } from '../runtime/slices.js';
import { within } from '../runtime/within.js';
import { addressKey, type Address } from '../transport/node-info.js';
import type { DialOutcome, Transport } from '../transport/transport.interface.js';

/** Pause between two discovery rounds while joining: short, so that processes started together meet. */
const JOINING_ROUND_MS = 200;
/** Pause between two rounds once up; half to one and a half of it, at random, so that nodes do not ask in step. */
const UP_ROUND_MS = 2_000;
/**
 * Most that one round dials of what a provider names; the next round goes on behind them. A round ends when all that it
 * dials have answered, and a node that joins waits for that: more than a swarm has nodes must not keep it from its start.
 */
const ROUND_LIMIT = 512;
/** First pause before a sought address is dialled again; doubles up to `SEEK_MAX_MS`. */
const SEEK_MIN_MS = 50;
const SEEK_MAX_MS = 1_000;
/** How long, and how many, nodes that were lost are dialled again. */
const FORMER_MS = 3_600_000;
const FORMER_LIMIT = 256;
/** How many of the nodes that were lost last are dialled twice a second, so that a healed network is one swarm soon. */
const LATELY_MS = 300_000;
const LATELY_LIMIT = 32;
const LATELY_ROUND_MS = 500;

interface Sought {
  readonly address: Address;
  pauseMs: number;
  timer: Timer | undefined;
}

/** What the dialer asks of the membership. */
export interface DialerView {
  /** Whether a link to whoever listens there exists, or the address is this node's own. */
  isLinked(key: string): boolean;
  isJoining(): boolean;
  roundEnded(): void;
}

/** Dials for one node for as long as it lives. */
export class Dialer {
  private readonly sought = new Map<string, Sought>();
  private readonly former = new Map<string, { address: Address; until: number }>();
  private readonly failures = new Map<string, string>();
  /** What was wrong with a provider when it was last told. */
  private readonly told = new Map<DiscoveryProvider, string>();
  /** How far into a long list the last round has come. */
  private readonly reached = new WeakMap<DiscoveryProvider, number>();
  private pending = new Set<string>();
  private roundAsking = false;
  private latelyDue = false;
  /** Another round is due as soon as this one has ended. */
  private lookAgain = false;
  private roundStartedAt = 0;
  private next: Timer | undefined;
  /** When the last round that has ended began; `undefined` before the first. */
  lastRoundStartedAt: number | undefined;

  constructor(
    private readonly runtime: Runtime,
    private readonly transport: Transport,
    private readonly providers: readonly DiscoveryProvider[],
    private readonly view: DialerView,
    private readonly logger: KernelLogger,
  ) {}

  /** No discovery and nothing to seek: nobody can be found by dialling. */
  get isIdle(): boolean {
    return this.providers.length === 0 && this.sought.size === 0;
  }

  /** Begins the first round; the rounds go on until the runtime is closed. */
  start(): void {
    this.round();
  }

  /** Looks for others at once, instead of when the pause is over. */
  lookNow(): void {
    if (this.roundAsking || this.pending.size > 0) {
      this.lookAgain = true;
    } else if (this.next) {
      this.next.cancel();
      this.round();
    }
  }

  /** Dials an address again and again until it is linked or `forget` is called. */
  seek(address: Address): void {
    const key = addressKey(address);
    if (this.sought.has(key)) return;
    this.sought.set(key, { address, pauseMs: SEEK_MIN_MS, timer: undefined });
    this.transport.dial(address);
  }

  /** As `seek`; whoever is there was asked to dial this node, and is dialled only where it does not. */
  seekLater(address: Address): void {
    const key = addressKey(address);
    if (this.sought.has(key)) return;
    const sought: Sought = { address, pauseMs: SEEK_MIN_MS, timer: undefined };
    this.sought.set(key, sought);
    this.again(sought);
  }

  /** As `seek`, without waiting for the pause after the last attempt. */
  dialNow(address: Address): void {
    this.forget(address);
    this.seek(address);
  }

  forget(address: Address): void {
    const key = addressKey(address);
    this.sought.get(key)?.timer?.cancel();
    this.sought.delete(key);
  }

  /** A member was lost: its address stays a candidate for an hour. */
  remember(address: Address): void {
    const key = addressKey(address);
    keepLatest(this.former, key, { address, until: this.runtime.now() + FORMER_MS }, FORMER_LIMIT);
    this.dialLatelyLost();
  }

  private dialLatelyLost(): void {
    if (this.latelyDue) return;
    this.latelyDue = true;
    this.runtime.after(LATELY_ROUND_MS * (0.5 + this.runtime.random()), () => {
      this.latelyDue = false;
      const since = this.runtime.now() + FORMER_MS - LATELY_MS;
      const lately = [...this.former.values()].filter(({ until }) => until > since).slice(-LATELY_LIMIT);
      for (const { address } of lately)
        if (!this.view.isLinked(addressKey(address))) this.transport.dial(address);
      if (lately.length > 0) this.dialLatelyLost();
    });
  }

  /** To be told of every outcome of a dial. */
  dialed(address: Address, outcome: DialOutcome): void {
    const key = addressKey(address);
    const linked = outcome.kind === 'linked' || outcome.kind === 'known';
    if (linked || outcome.kind === 'self') {
      this.forget(address);
      this.failures.delete(key);
      this.former.delete(key);
    } else {
      this.failures.set(key, 'message' in outcome ? outcome.message : 'it was asked to dial back');
      this.again(this.sought.get(key));
    }
    if (this.pending.delete(key)) this.endRoundIfDone();
  }

  /** Why nobody was found, a line per candidate. */
  explain(): string[] {
    if (this.providers.length === 0) return ['there is no discovery'];
    const lines = [...this.failures].map(([key, why]) => `${key}: ${why}`);
    return lines.length > 0 ? lines : [`${this.providers.map(({ name }) => name).join(', ')} found nobody`];
  }

  private again(sought: Sought | undefined): void {
    if (!sought) return;
    sought.timer?.cancel();
    sought.timer = this.runtime.after(sought.pauseMs * (0.5 + this.runtime.random()), () => {
      if (!this.view.isLinked(addressKey(sought.address))) this.transport.dial(sought.address);
    });
    sought.pauseMs = Math.min(sought.pauseMs * 2, SEEK_MAX_MS);
  }

  private round(): void {
    this.roundStartedAt = this.runtime.now();
    this.roundAsking = true;
    this.failures.clear();
    // Providers do not wait for each other. Several may name the same address, which is dialled once in a round.
    const dialed = new Set<string>();
    const asked = this.providers.map(async (provider) =>
      this.dialSome(provider, await this.ask(provider), dialed),
    );
    void Promise.all(asked).then(async () => {
      const now = this.runtime.now();
      for (const [key, { until }] of this.former) if (until < now) this.former.delete(key);
      const former = [...this.former.values()].map(({ address }) => address);
      await this.dialAll(former, dialed, former.length);
      this.roundAsking = false;
      this.endRoundIfDone();
    });
  }

  private async dialSome(
    provider: DiscoveryProvider,
    candidates: readonly Address[],
    dialed: Set<string>,
  ): Promise<void> {
    const isLong = candidates.length > ROUND_LIMIT;
    const from = isLong ? (this.reached.get(provider) ?? 0) % candidates.length : 0;
    const turned = isLong ? [...candidates.slice(from), ...candidates.slice(0, from)] : candidates;
    const looked = await this.dialAll(turned, dialed, ROUND_LIMIT);
    this.reached.set(provider, from + looked);
  }

  /** Dials the first `most` that need it, in slices: each is a socket. Resolves to how many were looked at for that. */
  private dialAll(candidates: readonly Address[], dialed: Set<string>, most: number): Promise<number> {
    let looked = 0;
    let left = most;
    const dial = (address: Address): boolean => {
      if (left === 0) return false;
      looked++;
      const key = addressKey(address);
      if (this.view.isLinked(key) || dialed.has(key)) return true;
      left--;
      dialed.add(key);
      this.pending.add(key);
      this.transport.dial(address);
      return true;
    };
    return new Promise((resolve) => runSliced(this.runtime, candidates, dial, () => resolve(looked)));
  }

  private async ask(provider: DiscoveryProvider): Promise<readonly Address[]> {
    try {
      const late = `no answer within ${PROVIDER_TIMEOUT_MS} ms`;
      const candidates = await within(this.runtime, PROVIDER_TIMEOUT_MS, late, () => provider.candidates());
      if (!candidates.every(isAddress)) throw new Error('it gave something that is no address');
      this.told.delete(provider);
      return candidates;
    } catch (error) {
      const reason = messageOf(error);
      this.failures.set(provider.name, reason);
      const line = `discovery ${provider.name} failed, and is asked again: ${reason}`;
      // Once per fault: rounds go on for ever.
      if (this.told.get(provider) === reason) this.logger.debug(line);
      else this.logger.warn(line);
      this.told.set(provider, reason);
      return [];
    }
  }

  private endRoundIfDone(): void {
    if (this.roundAsking || this.pending.size > 0) return;
    this.lastRoundStartedAt = this.roundStartedAt;
    this.next?.cancel();
    const pause = this.lookAgain ? 0 : this.view.isJoining() ? JOINING_ROUND_MS : UP_ROUND_MS;
    this.lookAgain = false;
    this.next = this.runtime.after(pause * (0.5 + this.runtime.random()), () => this.round());
    this.view.roundEnded();
  }
}

/** Providers may be anyone's. */
function isAddress(value: unknown): value is Address {
  const { host, port } = (value ?? {}) as Partial<Address>;
  return typeof host === 'string' && Number.isInteger(port);
}
