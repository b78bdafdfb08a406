import { isIPv6 } from 'node:net';
import { createSecureContext } from 'node:tls';
import { types } from 'node:util';
import { shown } from './errors/shown.js';
import { messageOf } from './errors/thrown.js';
import { MAX_TIMER_MS } from './runtime/runtime.interface.js';
import { MAX_WEIGHT } from './transport/node-info.js';
import { nameFault } from './workers/name-rules.js';

/** What one Buffer surely holds on every platform. */
const MAX_BYTES = 1_073_741_824;

/** What is wrong with a value, as the end of a sentence that says what to write instead; `undefined` if nothing is. */
export type Rule = (value: unknown) => string | undefined;

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const wholeNumber =
  (min: number, max: number, unit: string): Rule =>
  (value) =>
    Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max
      ? undefined
      : `must be a whole number${unit} from ${min} to ${max}, not ${shown(value)}`;

export const duration = wholeNumber(1, MAX_TIMER_MS, ' of milliseconds');
export const durationOrNone = wholeNumber(0, MAX_TIMER_MS, ' of milliseconds');
export const bytes = wholeNumber(1, MAX_BYTES, ' of bytes');
export const limit = wholeNumber(1, Number.MAX_SAFE_INTEGER, '');
export const count = wholeNumber(0, Number.MAX_SAFE_INTEGER, '');
export const port = wholeNumber(0, 65_535, '');

export const flag: Rule = (value) =>
  typeof value === 'boolean' ? undefined : `must be true or false, not ${shown(value)}`;

export const weight: Rule = (value) =>
  typeof value === 'number' && value > 0 && value <= MAX_WEIGHT
    ? undefined
    : `must be a positive number up to ${MAX_WEIGHT}, not ${shown(value)}; a node that shall host nothing has hosting: false`;

export const clusterName: Rule = nameFault;

export const nodeName: Rule = (value) =>
  nameFault(value) ??
  (/[@\s]/.test(value as string)
    ? `must not hold "@" or spaces: ${shown(value)}; the id of a node is name@host:port`
    : undefined);

/** Others dial it: an address, or a name that all of them resolve to this machine. */
export const dialableHost: Rule = (value) =>
  value === '0.0.0.0' || value === '::'
    ? `is what other nodes dial, and nobody can dial ${shown(value)}; write the address of this machine, and listen: ${shown(value)}`
    : boundHost(value);

export const boundHost: Rule = (value) =>
  nameFault(value) ??
  (/[\s@/[\]]/.test(value as string) || ((value as string).includes(':') && !isIPv6(value as string))
    ? `must be an address or a host name, without a port, as 10.0.0.5, not ${shown(value)}`
    : undefined);

/** Never shows what it was given. */
export const secret: Rule = (value) => {
  const all: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (all.length > 0 && all.every((one) => typeof one === 'string' && one !== '')) return undefined;
  return 'must be a string that is not empty, or an array of such: the first proves, all are accepted';
};

export const tls: Rule = (value) => {
  if (!isObject(value)) return `must be options of node:tls, as { key, cert, ca }, not ${shown(value)}`;
  if (value['pfx'] === undefined && (value['key'] === undefined || value['cert'] === undefined))
    return 'needs a key and a cert: every node shows a certificate';
  try {
    createSecureContext(value);
    return undefined;
  } catch (error) {
    return `is not usable: ${messageOf(error)}`;
  }
};

export const labels: Rule = (value) =>
  isObject(value) && Object.values(value).every((label) => typeof label === 'string')
    ? undefined
    : `must be an object of strings, as { zone: 'a' }, not ${shown(value)}`;

export const strategy: Rule = (value) => {
  if (!isObject(value) || typeof value['place'] !== 'function')
    return `must be a distribution strategy, as ring(), not ${shown(value)}`;
  const { quorum } = value;
  return quorum === undefined || limit(quorum) === undefined
    ? undefined
    : `must have a quorum that is a positive integer, or none, not ${shown(quorum)}`;
};

/** Empty, it ignores nobody: the way to be rid of the defaults. */
export const nodeBlacklist: Rule = (value) => nodePatterns(value, "[/^batch-/, 'api-1']");

export const nodeWhitelist: Rule = (value) => {
  const example = '[/^api-/]';
  return Array.isArray(value) && value.length === 0
    ? `must not be empty, which would ignore every node: write those that may host workers, as ${example}, or leave it out`
    : nodePatterns(value, example);
};

export const discovery: Rule = (value) =>
  Array.isArray(value) &&
  value.every(
    (item) => isObject(item) && typeof item['name'] === 'string' && typeof item['candidates'] === 'function',
  )
    ? undefined
    : `must be an array of discovery providers, as [localMachine(), staticPeers(['127.0.0.1:7946'])], not ${shown(value)}`;

/** All entries that are wrong, by their place. */
function nodePatterns(value: unknown, example: string): string | undefined {
  if (!Array.isArray(value))
    return `must be an array of strings and RegExps, as ${example}, not ${shown(value)}`;
  const wrong = Array.from(value as readonly unknown[], (entry, at) => {
    if (entry === '') return `entry ${at} is an empty string, which is no node's name`;
    return typeof entry === 'string' || types.isRegExp(entry) ? [] : `entry ${at} is ${shown(entry)}`;
  }).flat();
  return wrong.length > 0
    ? `must hold names or ids of nodes as strings, and RegExps, as ${example}: ${wrong.join(', ')}`
    : undefined;
}
