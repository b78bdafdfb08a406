import { shown } from './errors/shown.js';
import * as rules from './swarm-options.rules.js';
import type {
  SwarmDrainOptions,
  SwarmHandoffOptions,
  SwarmModuleOptions,
  SwarmNodeOptions,
} from './swarm.options.js';

const NODE_RULES: Readonly<Record<keyof SwarmNodeOptions, rules.Rule>> = {
  name: rules.nodeName,
  host: rules.dialableHost,
  listen: rules.boundHost,
  port: rules.port,
  weight: rules.weight,
  hosting: rules.flag,
  labels: rules.labels,
};

const HANDOFF_RULES: Readonly<Record<keyof SwarmHandoffOptions, rules.Rule>> = {
  timeoutMs: rules.duration,
  concurrency: rules.limit,
  forwardMs: rules.durationOrNone,
};

const DRAIN_RULES: Readonly<Record<keyof SwarmDrainOptions, rules.Rule>> = {
  timeoutMs: rules.duration,
};

type Group = 'node' | 'handoff' | 'drain';

/** Options that are objects of options: the rules for theirs, and an example. */
const GROUPS: Readonly<
  Record<Group, { readonly rules: Readonly<Record<string, rules.Rule>>; readonly example: string }>
> = {
  node: { rules: NODE_RULES, example: "{ name: 'api-1' }" },
  handoff: { rules: HANDOFF_RULES, example: '{ timeoutMs: 5000 }' },
  drain: { rules: DRAIN_RULES, example: '{ timeoutMs: 25000 }' },
};

const RULES: Readonly<Record<Exclude<keyof SwarmModuleOptions, Group>, rules.Rule>> = {
  cluster: rules.clusterName,
  secret: rules.secret,
  tls: rules.tls,
  discovery: rules.discovery,
  strategy: rules.strategy,
  nodeWhitelist: rules.nodeWhitelist,
  nodeBlacklist: rules.nodeBlacklist,
  heartbeatMs: rules.duration,
  suspectAfterMs: rules.duration,
  pollMs: rules.duration,
  leaseMs: rules.duration,
  coalesceMs: rules.durationOrNone,
  aloneAfterMs: rules.durationOrNone,
  joinTimeoutMs: rules.duration,
  acks: rules.count,
  callTimeoutMs: rules.duration,
  registerTimeoutMs: rules.duration,
  readyTimeoutMs: rules.duration,
  settledTimeoutMs: rules.duration,
  mailboxLimit: rules.limit,
  maxPayloadBytes: rules.bytes,
  maxArgsBytes: rules.bytes,
  inheritAppConfig: rules.flag,
  debug: rules.flag,
};

/**
 * All that is wrong with the options as they were written. An option that is `undefined` counts as not given; unknown
 * ones are faults, because a misspelt option would be a default in silence.
 */
export function optionFaults(options: unknown): string[] {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    return [`the options must be an object, not ${shown(options)}`];
  }
  const given = options as Readonly<Record<string, unknown>>;
  const faults = faultsOf(given, RULES, '', Object.keys(GROUPS));
  for (const [name, { rules: groupRules, example }] of Object.entries(GROUPS)) {
    const group = given[name];
    if (group === undefined) continue;
    if (typeof group !== 'object' || group === null || Array.isArray(group)) {
      faults.push(`${name} must be an object, as ${example}, not ${shown(group)}`);
      continue;
    }
    faults.push(...faultsOf(group as Readonly<Record<string, unknown>>, groupRules, `${name}.`, []));
  }
  const { nodeWhitelist, nodeBlacklist } = given;
  // An empty blacklist beside a whitelist is no contradiction.
  if (nodeWhitelist !== undefined && Array.isArray(nodeBlacklist) && nodeBlacklist.length > 0) {
    faults.push(
      'nodeBlacklist is not looked at beside nodeWhitelist, which decides alone: leave out one of them',
    );
  }
  return faults;
}

function faultsOf(
  given: Readonly<Record<string, unknown>>,
  known: Readonly<Record<string, rules.Rule>>,
  prefix: string,
  handledElsewhere: readonly string[],
): string[] {
  const faults: string[] = [];
  for (const [key, value] of Object.entries(given)) {
    if (handledElsewhere.includes(key) || value === undefined) continue;
    const rule = Object.hasOwn(known, key) ? known[key] : undefined;
    if (!rule) {
      faults.push(unknownOption(prefix, key, [...Object.keys(known), ...handledElsewhere]));
      continue;
    }
    const fault = rule(value);
    if (fault !== undefined) faults.push(`${prefix}${key} ${fault}`);
  }
  return faults;
}

function unknownOption(prefix: string, key: string, known: readonly string[]): string {
  const meant = nearest(key, known);
  return `${prefix}${key} is no option${meant === undefined ? '' : `; did you mean ${prefix}${meant}?`}`;
}

/** The known word that a typing error explains: at most a third of the letters differ, and no more than three. */
function nearest(word: string, known: readonly string[]): string | undefined {
  const most = Math.min(3, Math.floor(word.length / 3));
  return known
    .map((candidate) => ({ candidate, distance: editDistance(word.toLowerCase(), candidate.toLowerCase()) }))
    .filter(({ distance }) => distance <= most)
    .sort((a, b) => a.distance - b.distance)[0]?.candidate;
}

/** Insertions, deletions, replacements and swaps of neighbours that make one word of the other (Damerau's). */
function editDistance(a: string, b: string): number {
  const rows = [Array.from({ length: b.length + 1 }, (_, index) => index)];
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const replaced = rows[i - 1]![j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swaps = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const swapped = swaps ? rows[i - 2]![j - 2]! + 1 : Infinity;
      row.push(Math.min(row[j - 1]! + 1, rows[i - 1]![j]! + 1, replaced, swapped));
    }
    rows.push(row);
  }
  return rows[a.length]![b.length]!;
}
