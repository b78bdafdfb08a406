import type { Plan, RowHead } from '../harness/bench-case.interface.js';
import { BenchSwarm } from '../harness/bench-swarm.js';

const REGISTERING = 64;
const CALLING = 512;
const PREFIX = 'worker-';
/** Registered and unregistered before, for each node: processes that have just started compile while they work. */
const WARM_UP = 3_000;

/** How rows of so many nodes and names begin. */
export function sizeOf(nodes: number, names: number): string {
  return `${nodes} nodes, ${names / 1000} k names`;
}

/**
 * Names from their registration to the death of a node: how fast they are registered, how soon all nodes know them, and
 * how long it takes from SIGKILL until every name has answered, of all names and not only of those that died.
 */
export function lifetime(nodes: number, names: number, execArgv: readonly string[]): Plan {
  const size = sizeOf(nodes, names);
  const heads: RowHead[] = [
    {
      title: `${size}: register, ${REGISTERING} in flight`,
      unit: '/s',
      note: `fresh processes per sample, after ${WARM_UP} others for each node were registered and unregistered; registered from one node`,
    },
    { title: `${size}: known everywhere, after the last answer`, unit: 'ms' },
    {
      title: `${size}: all answer after SIGKILL of one`,
      unit: 'ms',
      note: `every name called once before; ${CALLING} calls in flight`,
    },
  ];
  return {
    rows: heads,
    sample: () =>
      BenchSwarm.with(
        Array.from({ length: nodes }, () => ({})),
        execArgv,
        async (swarm) => {
          const survivor = swarm.node(0);
          const victim = swarm.node(nodes - 1);
          await survivor.ask('register', 'earlier-', 0, nodes * WARM_UP, REGISTERING);
          await survivor.ask('unregister', 'earlier-', 0, nodes * WARM_UP, REGISTERING);
          await swarm.all('knows', 0);
          const known = swarm.nodes.slice(1).map((node) => node.ask<number>('knownAt', names));
          const registering = await survivor.ask<number>('register', PREFIX, 0, names, REGISTERING);
          const answered = await survivor.ask<number>('now');
          const converged = Math.max(0, Math.max(...(await Promise.all(known))) - answered);
          await survivor.ask('reachAll', PREFIX, names, CALLING);
          const killed = performance.now();
          victim.kill();
          await survivor.ask('reachAll', PREFIX, names, CALLING);
          return [(names / registering) * 1000, converged, performance.now() - killed];
        },
      ),
  };
}
