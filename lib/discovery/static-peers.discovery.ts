import { isIPv6 } from 'node:net';

import { SwarmConfigurationError } from '../errors/index.js';
import { addressKey, type Address } from '../transport/node-info.js';
import type { DiscoveryProvider } from './discovery-provider.interface.js';

/** Port of an entry that names none: the default port of a node that is not on loopback. */
const DEFAULT_PORT = 7946;
const HOST_NAME = /^(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_-]{0,62})(?:\.[a-z0-9_][a-z0-9_-]{0,62})*\.?$/i;

/**
 * Nodes may be at these addresses: `10.0.0.6:7946`, `[::1]:7946`, `db-1.internal` (port 7946). One that is up is
 * enough, since each node tells of all others. Names are resolved at each dial, so that a moved one is found.
 *
 * @throws SwarmConfigurationError naming every entry that is no address
 */
export function staticPeers(peers: readonly string[]): DiscoveryProvider {
  const faults: string[] = [];
  const addresses = new Map<string, Address>();
  for (const peer of Array.isArray(peers) ? (peers as readonly unknown[]) : [peers as unknown]) {
    const address = typeof peer === 'string' ? parse(peer.trim()) : undefined;
    if (address === undefined)
      faults.push(`staticPeers: ${show(peer)} is no address; write "10.0.0.6:7946", "[::1]:7946" or "host"`);
    else addresses.set(addressKey(address), address);
  }
  if (faults.length > 0) throw new SwarmConfigurationError(faults);
  const candidates = [...addresses.values()];
  return {
    name: `staticPeers(${[...addresses.keys()].join(', ')})`,
    candidates: () => Promise.resolve(candidates),
  };
}

function parse(peer: string): Address | undefined {
  if (isIPv6(peer)) return { host: peer, port: DEFAULT_PORT };
  const match = /^(?:\[(?<v6>[^\]]+)\]|(?<name>[^:[\]]+))(?::(?<port>\d{1,5}))?$/.exec(peer);
  if (match?.groups === undefined) return undefined;
  const { v6, name, port } = match.groups;
  const number = port === undefined ? DEFAULT_PORT : Number(port);
  if (number < 1 || number > 65_535) return undefined;
  if (v6 !== undefined) return isIPv6(v6) ? { host: v6, port: number } : undefined;
  return name !== undefined && HOST_NAME.test(name) ? { host: name, port: number } : undefined;
}

function show(value: unknown): string {
  return typeof value === 'string' ? `"${value}"` : String(value);
}
