// More is sent to a few workers than they handle: what waits for them has a limit, who exceeds it is told so at once, and
// nothing is left when it is over.
import { CallTimeoutError, MailboxFullError } from '../../../lib/errors/index.js';
import { namesWhere, SimulatedSwarm, type SimulatedNode } from '../simulated-swarm.js';
import { outcomeOf, type Outcome } from './outcome.js';

/** All belong to the node that joins. */
const NAMES = namesWhere(3, (home) => home(7000, 7001, 7002, 7003) === 7003);
const NODES = 3;
const MAILBOX_LIMIT = 20;
const SEND_EVERY_MS = 1;
const FLOOD_MS = 1_500;
const LOOK_EVERY_MS = 10;
const CALL_MS = 5_000;
/** What waits for somebody: nothing of it is left when nobody does. */
const QUEUES = ['calls', 'multiCalls', 'parkedMessages', 'waitingMessages', 'waitingForNames'] as const;

/** A history of three nodes, of which one joins meanwhile, so that workers move with full mailboxes. */
export function floods(seed: number): Promise<Outcome> {
  const swarm = new SimulatedSwarm({ seed, mailboxLimit: MAILBOX_LIMIT });
  return outcomeOf(swarm, new Floods(swarm));
}

class Floods {
  readonly violations: string[] = [];
  private token = 0;
  private refused = 0;
  private isOver = false;

  constructor(private readonly swarm: SimulatedSwarm) {}

  async run(): Promise<void> {
    const { swarm, violations } = this;
    await swarm.form(NODES);
    const [first] = swarm.nodes as [SimulatedNode];
    await swarm.settle(
      Promise.all(NAMES.map((name) => first.kernel.register(name, 'Counter', undefined, {}))),
    );
    this.send();
    const { started } = swarm.boot();
    for (const until = swarm.now + FLOOD_MS; swarm.now < until;) {
      await swarm.advance(LOOK_EVERY_MS);
      this.look();
    }
    this.isOver = true;
    await swarm.settle(started);
    await swarm.advance(2 * CALL_MS);
    for (const { kernel, key } of swarm.alive) {
      const { queues } = kernel.inspect();
      for (const queue of QUEUES)
        if (queues[queue] !== 0)
          violations.push(`bounds: at rest ${key} still has ${queue}: ${queues[queue]}`);
    }
    if (this.refused === 0) violations.push('bounds: nobody was told that a mailbox is full');
    violations.push(...swarm.activations.violations);
  }

  private look(): void {
    for (const { kernel, key } of this.swarm.alive) {
      const { waitingMessages = 0 } = kernel.inspect().queues;
      if (waitingMessages > NAMES.length * MAILBOX_LIMIT)
        this.violations.push(
          `bounds: ${waitingMessages} messages wait for ${NAMES.length} workers on ${key}`,
        );
    }
  }

  private send(): void {
    const { swarm } = this;
    if (this.isOver) return;
    swarm.scheduler.schedule(swarm.now + SEND_EVERY_MS * (0.5 + swarm.random()), () => this.send());
    const node = swarm.nodes[Math.floor(swarm.random() * NODES)]!;
    const name = NAMES[Math.floor(swarm.random() * NAMES.length)]!;
    const data = `token ${++this.token}`;
    const call = { pattern: 'slow-add', data, timeoutMs: CALL_MS, chain: [] };
    node.kernel.call(name, call).catch((error: unknown) => {
      if (error instanceof MailboxFullError) this.refused++;
      else if (!(error instanceof CallTimeoutError)) this.violations.push(`P5: ${data}: ${String(error)}`);
    });
  }
}
