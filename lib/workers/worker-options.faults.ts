import type { SwarmWorkerOptions } from './swarm-worker.options.js';
import { nameFault } from './name-rules.js';

const KNOWN = ['type', 'concurrency', 'mailboxLimit'];

/** What is wrong with the options of one `@SwarmWorker`. */
export function workerOptionFaults(className: string, options: SwarmWorkerOptions): string[] {
  const where = `${className}: @SwarmWorker`;
  if (typeof options !== 'object' || options === null)
    return [`${where} takes an object, as { type: 'device' }`];
  const faults = Object.keys(options)
    .filter((key) => !KNOWN.includes(key))
    .map((key) => `${where} has no option "${key}"; it has ${KNOWN.join(', ')}`);
  const { type = className, concurrency = 1, mailboxLimit = 1 } = options;
  const typeFault = nameFault(type);
  if (typeFault !== undefined) faults.push(`${where}: type ${typeFault}; give one, as { type: 'device' }`);
  if (!isCount(concurrency)) faults.push(`${where}: concurrency must be a whole number of at least 1`);
  if (!isCount(mailboxLimit)) faults.push(`${where}: mailboxLimit must be a whole number of at least 1`);
  return faults;
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 1;
}
