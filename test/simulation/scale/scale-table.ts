import { availableParallelism } from 'node:os';
import type { Phase, ScaleResult, TimedPhase } from './scale-result.js';

interface Line {
  readonly title: string;
  /** `undefined` if that was not measured. */
  of(result: ScaleResult): string | undefined;
}

const seconds = (phase?: TimedPhase): string | undefined => phase && digits(phase.tookMs / 1000);

/** Of one node, of the given figure of all. */
const each =
  (figure: (phase: Phase) => number, of: (result: ScaleResult) => Phase | undefined): Line['of'] =>
  (result) => {
    const phase = of(result);
    return phase && digits(figure(phase) / result.nodes);
  };

const frames = ({ traffic }: Phase): number => traffic.frames;
const kib = ({ traffic }: Phase): number => traffic.bytes / 1024;
const cpuMs = ({ cpuSeconds }: Phase): number => cpuSeconds * 1000;
const peakFrames = ({ traffic }: Phase): number => traffic.peak.frames;
const peakKib = ({ traffic }: Phase): number => traffic.peak.bytes / 1024;
const perSecond =
  (figure: (phase: Phase) => number) =>
  (phase: Phase): number =>
    figure(phase) / (phase.traffic.ms / 1000);

const start = (result: ScaleResult): TimedPhase | undefined => result.start;
const rest = (result: ScaleResult): Phase | undefined => result.rest;
const failover = (result: ScaleResult): TimedPhase | undefined => result.failover;

const LINES: readonly Line[] = [
  { title: 'all start at once: one swarm after, s', of: ({ start: phase }) => seconds(phase) },
  { title: '– frames per node', of: each(frames, start) },
  { title: '– KiB per node', of: each(kib, start) },
  { title: '– peak, frames per node in 100 ms', of: each(peakFrames, start) },
  { title: '– peak, KiB per node in 100 ms', of: each(peakKib, start) },
  { title: '– processor, ms per node', of: each(cpuMs, start) },
  { title: 'one starts after the other: one swarm after, s', of: ({ rolling }) => seconds(rolling) },
  { title: '– the last joins in, s', of: ({ lastJoin }) => seconds(lastJoin) },
  { title: '– frames of all nodes for the last', of: ({ lastJoin }) => lastJoin && digits(frames(lastJoin)) },
  { title: '– KiB of all nodes for the last', of: ({ lastJoin }) => lastJoin && digits(kib(lastJoin)) },
  { title: 'at rest: frames per node and s', of: each(perSecond(frames), rest) },
  { title: '– KiB per node and s', of: each(perSecond(kib), rest) },
  { title: '– processor, ms per node and s', of: each(perSecond(cpuMs), rest) },
  { title: 'names registered: shown on all nodes after, s', of: ({ register }) => seconds(register) },
  { title: '– frames of all nodes per name', of: (result) => perName(result, frames) },
  { title: '– KiB of all nodes per name', of: (result) => perName(result, kib) },
  { title: '– processor of all nodes, ms per name', of: (result) => perName(result, cpuMs) },
  { title: 'a process dies: no member for anybody after, s', of: ({ crash }) => seconds(crash) },
  { title: '– its names run elsewhere for all after, s', of: ({ failover: phase }) => seconds(phase) },
  { title: '– frames per node', of: each(frames, failover) },
  { title: '– KiB per node', of: each(kib, failover) },
  { title: '– peak, frames per node in 100 ms', of: each(peakFrames, failover) },
  { title: '– processor, ms per node', of: each(cpuMs, failover) },
  {
    title: 'heap per node without names, KiB',
    of: ({ heapPerNode }) => bytes(heapPerNode, 1024),
  },
  { title: 'heap per name on each node, B', of: ({ heapPerName }) => bytes(heapPerName, 1) },
];

/** What was measured, as a table of Markdown; what was not is a dash, and why is told below. */
export function table(results: readonly ScaleResult[]): string {
  const names = [...new Set(results.map((result) => result.names))].join(', ');
  const seeds = [...new Set(results.map(({ seed }) => seed))].join(', ');
  const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const unfinished = results.flatMap(({ nodes, unfinished: why }) =>
    why === undefined ? [] : [`${nodes} nodes: not finished, in ${why}.`],
  );
  return [
    `Node.js ${process.versions.node}, ${availableParallelism()} cores of which one was used; ${names} names per node, seed ${seeds}.`,
    '',
    row(['', ...results.map(({ nodes }) => `${nodes.toLocaleString('en')} nodes`)]),
    row(['---', ...results.map(() => '--:')]),
    ...LINES.map(({ title, of }) => row([title, ...results.map((result) => of(result) ?? '–')])),
    ...unfinished.flatMap((line) => ['', line]),
  ].join('\n');
}

function bytes(amount: number | undefined, unit: number): string | undefined {
  return amount === undefined ? undefined : digits(amount / unit);
}

function perName(result: ScaleResult, figure: (phase: Phase) => number): string | undefined {
  const count = result.nodes * result.names;
  return result.register && count > 0 ? digits(figure(result.register) / count) : undefined;
}

/** Three of them, or all before the point. */
function digits(value: number): string {
  const fraction = Math.max(0, 2 - Math.floor(Math.log10(Math.max(Math.abs(value), 0.01))));
  return value.toLocaleString('en', { maximumFractionDigits: Math.min(fraction, 3) });
}
