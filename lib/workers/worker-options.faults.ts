import type { SwarmWorkerOptions } from './swarm-worker.options.js';
import { nameFault } from './name-rules.js';

/** What is wrong with a value, as the end of a sentence that says what to write instead; `undefined` if nothing is. */
type Rule = (value: unknown) => string | undefined;

const count =
  (least: number, unit = ''): Rule =>
  (value) =>
    Number.isSafeInteger(value) && (value as number) >= least
      ? undefined
      : `must be a whole number${unit} of at least ${least}`;

const RULES: Readonly<Record<keyof SwarmWorkerOptions, Rule>> = {
  type: (value) => {
    const fault = nameFault(value);
    return fault === undefined ? undefined : `${fault}; give one, as { type: 'device' }`;
  },
  strategy: (value) =>
    isObject(value) && typeof value['place'] === 'function'
      ? undefined
      : 'must be a distribution strategy, as ring()',
  labels: (value) =>
    isObject(value) && Object.values(value).every((label) => typeof label === 'string')
      ? undefined
      : "must be an object of strings, as { zone: 'a' }",
  restart: (value) =>
    ['transient', 'permanent', 'temporary'].includes(value as string)
      ? undefined
      : "must be 'transient', 'permanent' or 'temporary'",
  maxRestarts: count(0),
  withinMs: count(1, ' of milliseconds'),
  concurrency: count(1),
  mailboxLimit: count(1),
};

/** What is wrong with the options of one `@SwarmWorker`. An option that is `undefined` counts as not given. */
export function workerOptionFaults(className: string, options: SwarmWorkerOptions): string[] {
  const where = `${className}: @SwarmWorker`;
  if (!isObject(options)) return [`${where} takes an object, as { type: 'device' }`];
  const faults: string[] = [];
  const { type = className } = options;
  for (const [key, value] of Object.entries({ ...options, type })) {
    const rule = Object.hasOwn(RULES, key) ? RULES[key as keyof SwarmWorkerOptions] : undefined;
    if (!rule) faults.push(`${where} has no option "${key}"; it has ${Object.keys(RULES).join(', ')}`);
    const fault = value === undefined ? undefined : rule?.(value);
    if (fault !== undefined) faults.push(`${where}: ${key} ${fault}`);
  }
  return faults;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
