import { it } from 'vitest';
import { writeFileSync } from 'node:fs';
import { seededRandom, type VirtualClocks } from '../../lib/runtime/virtual.runtime.js';
import { FencingHistory } from './fencing-history.js';
import { SimulatedSwarm } from './simulated-swarm.js';
function clocksOf(seed: number): (port: number) => VirtualClocks {
  return (port) => { const random = seededRandom(seed * 31 + port); return { rate: 1 + (random() - 0.5) * 0.0198, wallAheadMs: (random() - 0.5) * 4_000 }; };
}
it('scan', async () => {
  const [from, to] = (process.env['RANGE'] ?? '1-80').split('-').map(Number) as [number, number];
  let bad = 0;
  for (let seed = from; seed <= to; seed++) {
    const nodes = 3 + (seed % 3); const size = seed % 4 === 3 ? 3 : 2;
    const clocks = Math.floor(seed / 4) % 2 === 0 ? { clocks: clocksOf(seed) } : {};
    const swarm = new SimulatedSwarm({ seed, quorum: size, ...clocks });
    const history = new FencingHistory(swarm, { nodes, size, disruptions: 14, names: 8 });
    try { await history.run(); } catch (e) { history.violations.push(`THROWS ${String(e)}`); }
    if (history.violations.length) { bad++; console.log(`seed ${seed} n${nodes} s${size}: ${history.violations.slice(0, 3).join(' | ').slice(0, 330)}`); writeFileSync(`/tmp/st-${seed}.txt`, swarm.story.join('\n')); }
  }
  console.log(`bad ${bad} of ${to - from + 1}`);
}, 1e9);
