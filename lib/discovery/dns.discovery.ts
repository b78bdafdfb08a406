import { Resolver } from 'node:dns/promises';

import { messageOf } from '../errors/thrown.js';
import { addressKey, type Address } from '../transport/node-info.js';
import type { DiscoveryProvider } from './discovery-provider.interface.js';
import { resolveDnsOptions, type DnsOptions, type ResolvedDnsOptions } from './dns-options.js';
import { namesToAsk } from './dns-search.js';
import { isHostName, isPort } from './peer-address.js';

/**
 * The second try waits twice as long, and Node looks only now and then whether a time is over: a server that is silent
 * is told as such after 1.6 s, before the two seconds that a provider has are over; with a second server it is asked
 * after 0.8 s.
 */
const LIMITS = { timeout: 400, tries: 2 };
/** One that is reached tells of all others; a name that many more stand behind is not one of a swarm. */
const MAX_CANDIDATES = 1_024;
/** No such name, or no such records of it: nobody is there yet. */
const NOBODY = new Set(['ENOTFOUND', 'ENODATA']);
/** The server does not answer for this name, and may for the next one. */
const NO_ANSWER = new Set(['ESERVFAIL', 'EREFUSED']);
const MEANINGS: ReadonlyMap<string, string> = new Map([
  ['ESERVFAIL', 'the server failed to answer (SERVFAIL)'],
  ['EREFUSED', 'the server refuses to answer for this name (REFUSED)'],
  ['ETIMEOUT', 'no server answered in time'],
  ['ECONNREFUSED', 'nobody listens at the address of the server'],
]);

/** What is needed of a `Resolver` of `node:dns/promises`. */
export interface DnsResolver {
  resolve4(name: string): Promise<readonly string[]>;
  resolve6(name: string): Promise<readonly string[]>;
  resolveSrv(name: string): Promise<readonly { readonly name: string; readonly port: number }[]>;
  getServers(): readonly string[];
  cancel(): void;
}

/** What differs in tests. */
export interface DnsParts {
  resolver(): DnsResolver;
  /** All forms of the name, one after the other until one has records. */
  names(name: string): Promise<readonly string[]>;
}

/**
 * Nodes may be wherever a name in DNS points to: each of its A or AAAA records is a node on `port`, or each of its SRV
 * records a host name and a port. That is what a headless service of Kubernetes, the `tasks.` names of Docker's services
 * and Consul give.
 *
 * In Kubernetes give the service `publishNotReadyAddresses: true`, so that pods find each other before they are ready:
 * a pod whose readiness waits for the swarm would otherwise not be found.
 *
 * A name without records is no error: nobody is there yet. It is asked again with every round of discovery, a few
 * seconds apart. At most 1,024 candidates are taken. The names of SRV records are resolved when they are dialled, by
 * the machine.
 *
 * DNS is asked itself (`dns.Resolver`), not the machine (`dns.lookup`): that would put files and caches of its own in
 * between, which may show a part of the records or old ones, cannot ask for SRV records, and holds one of the few
 * threads of the process for as long as a server is silent. What stands only in /etc/hosts is therefore not found:
 * write it into `staticPeers`.
 *
 * @throws SwarmConfigurationError with all that is wrong with the options
 */
export function dns(options: DnsOptions): DiscoveryProvider {
  const resolved = resolveDnsOptions(options);
  const { servers } = resolved;
  return new DnsDiscovery(resolved, {
    resolver() {
      const resolver = new Resolver(LIMITS);
      if (servers) resolver.setServers(servers);
      return resolver;
    },
    names: (name) => (servers ? Promise.resolve([name]) : namesToAsk(name)),
  });
}

/** See `dns`. */
export class DnsDiscovery implements DiscoveryProvider {
  readonly name: string;
  private resolver: DnsResolver | undefined;
  private asking: Promise<readonly Address[]> | undefined;
  private stopped = false;

  constructor(
    private readonly options: ResolvedDnsOptions,
    private readonly parts: DnsParts,
  ) {
    this.name = `dns(${options.name} ${options.type})`;
  }

  async start(): Promise<void> {
    this.stopped = false;
  }

  /** One question at a time: who asks while a server is silent waits for the same answer. */
  candidates(): Promise<readonly Address[]> {
    if (this.stopped) return Promise.resolve([]);
    this.asking ??= this.ask().finally(() => (this.asking = undefined));
    return this.asking;
  }

  /** A question that is under way would keep the process. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.resolver?.cancel();
    this.resolver = undefined;
  }

  private async ask(): Promise<readonly Address[]> {
    let failure: Error | undefined;
    for (const name of await this.parts.names(this.options.name)) {
      if (this.stopped) return [];
      // It remembers which of its servers is silent, so it is kept for as long as it is answered.
      const resolver = (this.resolver ??= this.parts.resolver());
      try {
        const found = await this.records(resolver, name);
        if (found.length > 0) return bounded(found);
      } catch (error) {
        if (this.stopped) return [];
        const code = (error as NodeJS.ErrnoException).code ?? '';
        if (NOBODY.has(code)) continue;
        failure ??= this.explained(error, code, name, resolver);
        if (NO_ANSWER.has(code)) continue;
        // A new one reads the machine's settings again: they may name other servers by now.
        this.resolver = undefined;
        throw failure;
      }
    }
    if (failure) throw failure;
    return [];
  }

  private async records(resolver: DnsResolver, name: string): Promise<readonly Address[]> {
    const { type, port } = this.options;
    if (type === 'SRV') {
      const records = await resolver.resolveSrv(name);
      // The root as a target says that there is no such service (RFC 2782); Node shows it as an empty name. What is no
      // name at all would stand in logs as whoever answers for the zone has written it.
      return records
        .map((record) => ({ host: record.name.replace(/\.$/, ''), port: record.port }))
        .filter((address) => isHostName(address.host) && isPort(address.port));
    }
    const hosts = await (type === 'A' ? resolver.resolve4(name) : resolver.resolve6(name));
    return hosts.map((host) => ({ host, port }));
  }

  private explained(error: unknown, code: string, name: string, resolver: DnsResolver): Error {
    const { type, servers: given } = this.options;
    const servers = resolver.getServers().join(', ') || 'none';
    const where = given ? 'the option "servers"' : "the machine's DNS settings";
    const what = MEANINGS.get(code) ?? messageOf(error);
    return new Error(
      `${this.name}: no answer for the ${type} records of ${name}: ${what}; check ${where} (${servers})`,
      { cause: error },
    );
  }
}

function bounded(addresses: readonly Address[]): readonly Address[] {
  const distinct = new Map<string, Address>();
  for (const address of addresses) {
    if (distinct.size === MAX_CANDIDATES) break;
    distinct.set(addressKey(address), address);
  }
  return [...distinct.values()];
}
