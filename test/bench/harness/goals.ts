import type { Row } from './bench-case.interface.js';

/** What bare echo makes on the machine on which the goals were set, with so many in flight. */
const ECHO = { 1: 9_090, 64: 125_700 } as const;
type InFlight = keyof typeof ECHO;

/** A figure that is to be reached. */
export interface Goal {
  readonly case: string;
  /** What is measured, as the table of verdicts calls it. */
  readonly title: string;
  /** The goal on this machine, what was reached, and whether that is enough. `undefined`: not measured in this run. */
  check(rows: Rows): { readonly goal: number; readonly reached: number; readonly isMet: boolean } | undefined;
  readonly unit: string;
}

/** The rows of a run. */
export class Rows {
  constructor(private readonly rows: readonly Row[]) {}

  median(id: string, title: string): number | undefined {
    return this.row(id, title)?.summary?.median;
  }

  share(id: string, title: string): number | undefined {
    return this.row(id, title)?.ratio?.median;
  }

  /** How much faster this machine is than the one on which the goals were set. */
  speed(inFlight: InFlight): number | undefined {
    const echo = this.median('B3', `bare node:net echo, ${inFlight} in flight, 50 B`);
    return echo === undefined ? undefined : echo / ECHO[inFlight];
  }

  private row(id: string, title: string): Row | undefined {
    return this.rows.find((row) => row.case === id && row.title === title);
  }
}

function rate(id: string, title: string, perSecond: number, inFlight: InFlight): Goal {
  return {
    case: id,
    title,
    unit: '/s',
    check: (rows) => atLeast(rows.median(id, title), times(perSecond, rows.speed(inFlight))),
  };
}

function time(id: string, title: string, ms: number, inFlight: InFlight): Goal {
  return {
    case: id,
    title,
    unit: 'ms',
    check: (rows) => {
      const speed = rows.speed(inFlight);
      return atMost(rows.median(id, title), speed === undefined ? undefined : ms / speed);
    },
  };
}

function most(id: string, title: string, value: number, unit: string): Goal {
  return { case: id, title, unit, check: (rows) => atMost(rows.median(id, title), value) };
}

/** A part of what the row beside it reaches in the same seconds. */
function share(id: string, title: string, part: number): Goal {
  return { case: id, title, unit: 'of echo', check: (rows) => atLeast(rows.share(id, title), part) };
}

/** So many times what another row reaches. */
function multiple(id: string, title: string, other: string, factor: number, name: string): Goal {
  return {
    case: id,
    title,
    unit: `times ${name}`,
    check: (rows) => {
      const [own, its] = [rows.median(id, title), rows.median(id, other)];
      return atLeast(own === undefined || its === undefined ? undefined : own / its, factor);
    },
  };
}

/** Two figures whose quotient may not be larger. */
function growth(title: string, above: [string, string], below: [string, string], factor: number): Goal {
  return {
    case: 'B12',
    title,
    unit: 'times',
    check: (rows) => {
      const [a, b] = [rows.median(...above), rows.median(...below)];
      return atMost(a === undefined || b === undefined ? undefined : a / b, factor);
    },
  };
}

function times(value: number, factor: number | undefined): number | undefined {
  return factor === undefined ? undefined : value * factor;
}

function atLeast(reached: number | undefined, goal: number | undefined): ReturnType<Goal['check']> {
  if (reached === undefined || goal === undefined) return undefined;
  return { goal, reached, isMet: reached >= goal };
}

function atMost(reached: number | undefined, goal: number | undefined): ReturnType<Goal['check']> {
  if (reached === undefined || goal === undefined) return undefined;
  return { goal, reached, isMet: reached <= goal };
}

const loopDelays = [
  'node that they leave',
  'node that they come to',
  'node that only learns of it',
  'node that sends the registry',
  'node that gets it',
];

/** What this library sets itself, in the order of the cases. */
export const goals: readonly Goal[] = [
  rate('B1', 'register, 1 in flight', 5_000, 1),
  rate('B1', 'register, 64 in flight', 30_000, 64),
  rate('B1', 'unregister, 64 in flight', 30_000, 64),
  rate('B2', 'whereis, 100 k names', 3_000_000, 64),
  ...(['Buffer', 'object'] as const).flatMap((kind) => [
    share('B3', `call a worker elsewhere, ${kind}, 64 in flight, 50 B`, 0.85),
    multiple(
      'B3',
      `call a worker elsewhere, ${kind}, 64 in flight, 50 B`,
      `@nestjs/microservices TCP, ${kind}, 64 in flight, 50 B`,
      2.5,
      'Nest TCP',
    ),
    share('B3', `call a worker elsewhere, ${kind}, 1 in flight, 50 B`, 0.8),
  ]),
  share('B3', 'call a worker elsewhere, Buffer, 64 in flight, 64 KiB', 0.85),
  rate('B3', 'call a worker here, 64 in flight', 1_000_000, 64),
  time('B4', 'publish, until the last member has it', 3, 64),
  time('B4', 'multiCall, until all answers are there', 8, 64),
  time('B5', 'after the last answer', 10, 64),
  time('B6', '3 nodes, 10 k names: all answer after SIGKILL of one', 700, 64),
  time('B6', '3 nodes, 30 k names: all answer after SIGKILL of one', 1_500, 64),
  time('B6', '3 nodes, 100 k names: all answer after SIGKILL of one', 4_000, 64),
  time('B7', 'all workers where they belong, after the node was seen up', 1_000, 64),
  most('B7', 'calls that failed', 0, 'calls'),
  most('B7', 'acknowledged additions that were lost', 0, 'calls'),
  time('B7', 'longest pause of a name', 50, 64),
  most('B8', 'registry, node without the workers: heap', 600, 'B'),
  most('B8', 'registry and worker, node that runs them: heap', 1_000, 'B'),
  time('B9', 'until the node has left, for 10 k workers', 1_000, 64),
  most('B9', 'workers that lost their state', 0, 'names'),
  most('B10', 'names without the additions of both sides', 0, 'names'),
  ...loopDelays.flatMap((role) => [
    most('B11', `${role}: p99`, 10, 'ms'),
    most('B11', `${role}: max`, 25, 'ms'),
  ]),
  ...[3, 5, 10].map((nodes) => {
    const id = nodes === 3 ? 'B6' : 'B12';
    const row = (names: string): [string, string] => [
      id,
      `${nodes} nodes, ${names} names: all answer after SIGKILL of one`,
    ];
    return growth(`failover with ${nodes} nodes, ten times the names`, row('100 k'), row('10 k'), 10);
  }),
  ...[5, 10].map((nodes) =>
    growth(
      `register with 3 nodes over ${nodes}, 10 k names`,
      ['B6', '3 nodes, 10 k names: register, 64 in flight'],
      ['B12', `${nodes} nodes, 10 k names: register, 64 in flight`],
      nodes / 3,
    ),
  ),
];
