// Several nodes want one name at once, and a name is wanted anew when the node that has it dies: it is given once
// (promise P1), and who has it keeps it (P4).
import { AlreadyRegisteredError, SwarmError } from '../../../lib/errors/index.js';
import { pinnedWorker } from '../simulated-worker.js';
import { SimulatedSwarm, type SimulatedNode } from '../simulated-swarm.js';
import { outcomeOf, type Outcome } from './outcome.js';

const NODES = 4;
const RACES = 25;
const CRASHES = 4;
/** Until the survivors agree what a dead node has left behind, they are asked for its name again and again. */
const ASK_EVERY_MS = 15;
const ASKED_FOR_MS = 900;
/** From a crash until the dead node's workers run elsewhere. */
const RECOVERY_MS = 3_000;

/** A history of a swarm of four nodes, some of which die and are replaced. */
export function claims(seed: number): Promise<Outcome> {
  const swarm = new SimulatedSwarm({ seed });
  return outcomeOf(swarm, new Claims(swarm));
}

class Claims {
  readonly violations: string[] = [];

  constructor(private readonly swarm: SimulatedSwarm) {}

  async run(): Promise<void> {
    const { swarm } = this;
    await swarm.form(NODES);
    const newcomer = swarm.boot();
    for (let i = 0; i < RACES; i++) await this.race(`name-${i}`);
    await swarm.settle(newcomer.started);
    for (let i = 0; i < CRASHES; i++) await this.inherit(`late-${i}`);
    this.violations.push(...swarm.activations.violations);
  }

  /** All nodes want the name at almost the same time. */
  private async race(name: string): Promise<void> {
    const { swarm } = this;
    const given: string[] = [];
    const wants = swarm.alive.map(async (node) => {
      await new Promise<void>((resolve) => {
        swarm.scheduler.schedule(swarm.now + swarm.random() * 12, resolve);
      });
      if (await this.isGiven(name, node, swarm.random() < 0.7)) given.push(node.key);
    });
    await swarm.settle(Promise.all(wants));
    if (given.length > 1) this.violations.push(`P1: "${name}" was given to ${given.join(' and ')}`);
  }

  /** The node that has the name dies as soon as that was acknowledged, and others want it. */
  private async inherit(name: string): Promise<void> {
    const { swarm, violations } = this;
    const [asker] = swarm.alive;
    await swarm.settle(asker!.kernel.register(name, 'Counter', undefined, {}));
    const owner = swarm.alive.find(({ key }) => asker!.kernel.lookup(name)?.node.endsWith(key));
    if (!owner || owner === asker) return;
    swarm.crash(owner, true);
    const port = Number(owner.key.slice(owner.key.lastIndexOf(':') + 1));
    const wants: Array<Promise<void>> = [];
    for (const until = swarm.now + ASKED_FOR_MS; swarm.now < until;) {
      const others = swarm.alive.filter((node) => node !== asker);
      const node = others[Math.floor(swarm.random() * others.length)]!;
      const want = async (): Promise<void> => {
        if (await this.isGiven(name, node, false))
          violations.push(`P4: "${name}" was registered, and ${node.key} could register it again`);
      };
      wants.push(want());
      await swarm.advance(ASK_EVERY_MS);
    }
    await swarm.settle(Promise.all(wants));
    await swarm.advance(RECOVERY_MS);
    if (!asker!.kernel.lookup(name)) violations.push(`P4: "${name}" was registered and is gone`);
    await swarm.settle(swarm.boot(port).started);
  }

  /** Whether the node is told that the name is its own now. */
  private async isGiven(name: string, { kernel, key }: SimulatedNode, isPinned: boolean): Promise<boolean> {
    const { definition, instance } = pinnedWorker(key, name);
    try {
      if (isPinned) await kernel.registerLocal(name, definition, instance);
      else await kernel.register(name, 'Counter', undefined, {});
      this.swarm.tell(`"${name}" was given to ${key}`);
      return true;
    } catch (error) {
      if (!(error instanceof SwarmError)) throw error;
      if (!(error instanceof AlreadyRegisteredError))
        this.swarm.tell(`"${name}" on ${key}: ${error.message}`);
      return false;
    }
  }
}
