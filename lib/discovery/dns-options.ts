import { isIP } from 'node:net';

import { SwarmConfigurationError } from '../errors/index.js';
import { shown } from '../errors/shown.js';
import { DEFAULT_PORT, isHostName, isPort, parseAddress } from './peer-address.js';

const TYPES = ['A', 'AAAA', 'SRV'] as const;
const KNOWN = new Set(['name', 'type', 'port', 'servers']);
const DNS_PORT = 53;
const MAX_SERVERS = 16;

/** Which records hold the addresses: IPv4, IPv6, or host names with their ports. */
export type DnsRecordType = (typeof TYPES)[number];

/** Settings of `dns`. */
export interface DnsOptions {
  /**
   * What to ask for: `api-headless.shop.svc`, or `_swarm._tcp.api-headless.shop.svc` for SRV records. A name that ends
   * with a dot is asked for as it is; any other one also with the search domains of this machine, as all its programs
   * do.
   */
  readonly name: string;
  /**
   * The records to ask for.
   *
   * @default 'A'
   */
  readonly type?: DnsRecordType | undefined;
  /**
   * The port of the nodes, 1 to 65535. Not with SRV records, which name the ports themselves.
   *
   * @default 7946
   */
  readonly port?: number | undefined;
  /**
   * Which DNS servers to ask, as `10.0.0.2` or `10.0.0.2:5353`, where they are not those of this machine. The name is
   * then asked for as it is, without search domains.
   *
   * @default those of the machine
   */
  readonly servers?: readonly string[] | undefined;
}

/** Options with every default filled in. */
export interface ResolvedDnsOptions {
  readonly name: string;
  readonly type: DnsRecordType;
  readonly port: number;
  readonly servers: readonly string[] | undefined;
}

/** @throws SwarmConfigurationError with all that is wrong */
export function resolveDnsOptions(options: DnsOptions): ResolvedDnsOptions {
  if (typeof options !== 'object' || options === null)
    throw new SwarmConfigurationError([
      `dns: must be given options, as dns({ name: 'api-headless.shop.svc' }), not ${shown(options)}`,
    ]);
  const { name, type = 'A', port, servers } = options;
  const faults = [
    ...Object.keys(options).flatMap((key) =>
      KNOWN.has(key) ? [] : [`${shown(key)} is no option; write name, type, port or servers`],
    ),
    nameFault(name),
    TYPES.includes(type) ? undefined : `type must be 'A', 'AAAA' or 'SRV', not ${shown(type)}`,
    portFault(type, port),
    serversFault(servers),
  ].filter((fault) => fault !== undefined);
  if (faults.length > 0) throw new SwarmConfigurationError(faults.map((fault) => `dns: ${fault}`));
  return { name, type, port: port ?? DEFAULT_PORT, servers: servers && [...servers] };
}

function nameFault(name: unknown): string | undefined {
  if (typeof name === 'string' && isIP(name) !== 0)
    return `name must be a name, not the address ${name}; write staticPeers(['${name}'])`;
  if (typeof name === 'string' && isHostName(name)) return undefined;
  return `name must be a name in DNS without a port, as "api-headless.shop.svc", not ${shown(name)}`;
}

function portFault(type: DnsRecordType, port: unknown): string | undefined {
  if (port === undefined) return undefined;
  if (type === 'SRV') return `port must be left out with type 'SRV', whose records name the ports`;
  return isPort(port) ? undefined : `port must be a whole number from 1 to 65535, not ${shown(port)}`;
}

function serversFault(servers: unknown): string | undefined {
  if (servers === undefined) return undefined;
  const must = 'servers must be addresses of DNS servers, as ["10.0.0.2", "10.0.0.3:5353"]';
  if (!Array.isArray(servers)) return `${must}, not ${shown(servers)}`;
  if (servers.length === 0) return `${must}; leave it out to ask those of the machine`;
  if (servers.length > MAX_SERVERS) return `${must}, ${MAX_SERVERS} at most, not ${servers.length}`;
  const wrong = (servers as unknown[]).filter((server) => !isServer(server));
  return wrong.length > 0 ? `${must}, not ${wrong.map(shown).join(', ')}` : undefined;
}

/** Names of servers would have to be asked of a server. */
function isServer(value: unknown): boolean {
  const address = typeof value === 'string' ? parseAddress(value, DNS_PORT) : undefined;
  return address !== undefined && isIP(address.host) !== 0;
}
