import { readFile } from 'node:fs/promises';

const SETTINGS = '/etc/resolv.conf';
/** As many as Kubernetes allows a pod to have. */
const MAX_DOMAINS = 32;
/** More than this is asked for as by the C library's resolver: its own bound. */
const MAX_DOTS = 15;

/** What `resolv.conf` says of names that are not complete. */
interface SearchSettings {
  readonly domains: readonly string[];
  /** A name with fewer dots is tried with the domains first. */
  readonly dots: number;
}

/**
 * The names to ask for one after the other, as resolv.conf(5) says: Node's `Resolver` asks for a name as it is, and a
 * pod's `api-headless.shop.svc` is found only with its search domain `cluster.local`.
 *
 * @param path where the settings are; where there is no such file, as on Windows, there are no domains
 */
export async function namesToAsk(name: string, path = SETTINGS): Promise<readonly string[]> {
  if (name.endsWith('.')) return [name];
  const { domains, dots } = await searchSettings(path);
  const longer = domains.map((domain) => `${name}.${domain}`);
  return [...new Set(name.split('.').length > dots ? [name, ...longer] : [...longer, name])];
}

async function searchSettings(path: string): Promise<SearchSettings> {
  let text = '';
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  let domains: readonly string[] = [];
  let dots = 1;
  for (const line of text.split('\n')) {
    const [keyword, ...values] = line.trim().split(/\s+/);
    // The last line wins; `.` is the root, which is the name as it is.
    if (keyword === 'search' || keyword === 'domain')
      domains = values.map((domain) => domain.replace(/\.$/, '')).filter((domain) => domain !== '');
    if (keyword !== 'options') continue;
    for (const value of values) {
      const number = /^ndots:(?<dots>\d{1,9})$/.exec(value)?.groups?.['dots'];
      if (number !== undefined) dots = Math.min(Number(number), MAX_DOTS);
    }
  }
  return { domains: domains.slice(0, MAX_DOMAINS), dots };
}
