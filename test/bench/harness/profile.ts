import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

/** What V8 writes with `--cpu-prof`, as far as it is used here. */
interface CpuProfile {
  readonly nodes: ReadonlyArray<{
    readonly id: number;
    readonly children?: readonly number[];
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }>;
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

/** Node's own files that load modules and start the process. */
const LOADER = /^node:internal\/(modules|bootstrap|process\/(pre_execution|esm_loader))/;
const TOP = 25;
/** A process that did less than this part of the busiest one's work had none in the case. */
const WORTH_SHOWING = 0.25;

/** For each process that had work: the functions in which most time was spent, without what they called. */
export function printProfiles(folder: string): void {
  const files = readdirSync(folder).filter((name) => name.endsWith('.cpuprofile'));
  const profiles = files.map((file) => {
    const times = selfTimes(JSON.parse(readFileSync(join(folder, file), 'utf8')) as CpuProfile);
    const idleUs = times.get('(idle)') ?? 0;
    times.delete('(idle)');
    return { file, times, idleUs, busyUs: [...times.values()].reduce((sum, us) => sum + us, 0) };
  });
  const most = Math.max(...profiles.map(({ busyUs }) => busyUs));
  for (const { file, times, idleUs, busyUs } of profiles) {
    if (busyUs < most * WORTH_SHOWING) continue;
    console.log(`\n${file}: busy ${(busyUs / 1e3).toFixed(0)} ms, idle ${(idleUs / 1e3).toFixed(0)} ms`);
    for (const [name, us] of [...times].sort(([, a], [, b]) => b - a).slice(0, TOP)) {
      console.log(`${((us / busyUs) * 100).toFixed(1).padStart(6)} %  ${name}`);
    }
  }
}

/** Microseconds by function, without those of loading modules. */
function selfTimes({ nodes, samples, timeDeltas }: CpuProfile): Map<string, number> {
  const names = new Map(nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]));
  const times = new Map<string, number>();
  const loading = loadingNodes(nodes);
  samples.forEach((id, index) => {
    if (loading.has(id)) return;
    const name = names.get(id) ?? '?';
    times.set(name, (times.get(name) ?? 0) + (timeDeltas[index] ?? 0));
  });
  return times;
}

/** Ids of the calls that belong to the loading of modules: those of Node's loader, and all below them. */
function loadingNodes(nodes: CpuProfile['nodes']): Set<number> {
  const found = new Set<number>();
  // V8 lists a call before those that it made.
  for (const { id, callFrame, children = [] } of nodes) {
    if (!found.has(id) && !LOADER.test(callFrame.url)) continue;
    found.add(id);
    for (const child of children) found.add(child);
  }
  return found;
}

function nameOf({ functionName, url, lineNumber }: CpuProfile['nodes'][number]['callFrame']): string {
  const name = functionName || '(anonymous)';
  if (!url) return name;
  return `${name}  ${url.startsWith('node:') ? url : basename(url)}:${lineNumber + 1}`;
}
