import type { Amount, Traffic } from './traffic.meter.js';

/** One stretch of a case. */
export interface Phase {
  /** What travelled between all nodes. */
  readonly traffic: Traffic;
  /** Processor time of all nodes together, the simulated network included. */
  readonly cpuSeconds: number;
}

/** A stretch that ends when something has come about. */
export interface TimedPhase extends Phase {
  /** Virtual milliseconds until then. */
  readonly tookMs: number;
}

export interface ScaleResult {
  readonly nodes: number;
  readonly names: number;
  readonly seed: number;
  /** All boot in one instant, until each sees all others up. */
  start?: TimedPhase;
  /** Heap of one node of the swarm, no name registered, in bytes. */
  heapPerNode?: number;
  /** Nothing happens. */
  rest?: Phase;
  /** From the registrations until every node shows every name. */
  register?: TimedPhase;
  /** Heap that a name takes on each node, in bytes. */
  heapPerName?: number;
  /** From the death of one process until no other node has it as a member. */
  crash?: TimedPhase;
  /** From its death until every node shows all its names running elsewhere. */
  failover?: TimedPhase;
  /** One node after the other, each when all see the one before; `lastJoin` is that of the last. */
  rolling?: TimedPhase;
  lastJoin?: TimedPhase;
  /** Why the case ended before it was done, and how far it had come. */
  unfinished?: string;
}

/** One stretch after the other. */
export function joined(a: TimedPhase, b: TimedPhase): TimedPhase {
  const byKind = { ...a.traffic.byKind };
  for (const [kind, amount] of Object.entries(b.traffic.byKind)) byKind[kind] = sum(byKind[kind], amount);
  const peak = {
    frames: Math.max(a.traffic.peak.frames, b.traffic.peak.frames),
    bytes: Math.max(a.traffic.peak.bytes, b.traffic.peak.bytes),
  };
  const ms = a.traffic.ms + b.traffic.ms;
  return {
    tookMs: a.tookMs + b.tookMs,
    cpuSeconds: a.cpuSeconds + b.cpuSeconds,
    traffic: { ...sum(a.traffic, b.traffic), ms, peak, byKind },
  };
}

function sum(a: Amount | undefined, b: Amount): Amount {
  return { frames: (a?.frames ?? 0) + b.frames, bytes: (a?.bytes ?? 0) + b.bytes };
}
