import { expect } from 'vitest';
import { NetworkSwarm, type Prefix } from './network-swarm.js';
import { judge } from './verdict.js';

/** Of each type. */
const NAMES = 40;

/** Something that happens to networks and processes where people run them. */
export interface Scenario {
  readonly name: string;
  /** Nodes at first, and the size of the quorum. */
  readonly nodes: number;
  readonly size: number;
  /** For how many nodes there are addresses, if more join. */
  readonly room?: number;
  /** Workers of both types are called all the time. */
  readonly underLoad?: boolean;
  /** Needs the machine for itself. */
  readonly alone?: boolean;
  /** Types of which nothing may be lost that was answered. A quorum keeps the state of one side only. */
  readonly keeps: readonly Prefix[];
  run(swarm: NetworkSwarm): Promise<void>;
}

/** Swarms that run, so that one is ended also when its test is given up. */
const running = new Set<NetworkSwarm>();

/** Plays a scenario and judges what it has left; the times that were measured. */
export async function play(scenario: Scenario): Promise<Readonly<Record<string, number>>> {
  const { nodes, size, room, underLoad = false, keeps } = scenario;
  const swarm = await NetworkSwarm.boot(nodes, { size, ...(room !== undefined && { room }) });
  running.add(swarm);
  try {
    await swarm.register(NAMES);
    await swarm.all('reach', swarm.allNames, 5_000);
    if (underLoad) await swarm.startLoad();
    await scenario.run(swarm);
    await judge(swarm, keeps);
    return swarm.times;
  } catch (error) {
    throw new Error(`${(error as Error).message}\n${swarm.output()}`, { cause: error });
  } finally {
    running.delete(swarm);
    await swarm.end();
  }
}

export async function endAll(): Promise<void> {
  await Promise.all([...running].map((swarm) => swarm.end()));
}

/** Nobody was given up although everybody was there. */
export async function expectNobodyDown(swarm: NetworkSwarm): Promise<void> {
  const downs = await Promise.all(swarm.alive.map(({ index }) => swarm.events(index, 'node-down')));
  expect(downs.flat()).toEqual([]);
}
