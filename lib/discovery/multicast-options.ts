import { isIPv4 } from 'node:net';

import { SwarmConfigurationError } from '../errors/index.js';
import { shown } from '../errors/shown.js';
import { isPort } from './peer-address.js';

const KNOWN = new Set(['group', 'port', 'interface']);
/** Of the block for local use (RFC 2365), which routers do not pass on. */
const GROUP = '239.255.79.46';
const PORT = 7947;

/** Settings of `multicast`. All nodes of a swarm need the same group and port. */
export interface MulticastOptions {
  /**
   * The IPv4 multicast group, 224.0.0.0 to 239.255.255.255.
   *
   * @default '239.255.79.46'
   */
  readonly group?: string | undefined;
  /**
   * The UDP port, 1 to 65535. All processes of a machine share it.
   *
   * @default 7947
   */
  readonly port?: number | undefined;
  /**
   * The IPv4 address of the network card to use.
   *
   * @default that of the node, if `node.host` is an IPv4 address, else the one the system chooses
   */
  readonly interface?: string | undefined;
}

/** Options with every default filled in that does not depend on the node. */
export interface ResolvedMulticastOptions {
  readonly group: string;
  readonly port: number;
  readonly interface: string | undefined;
}

/** @throws SwarmConfigurationError with all that is wrong */
export function resolveMulticastOptions(options: MulticastOptions): ResolvedMulticastOptions {
  if (typeof options !== 'object' || options === null)
    throw new SwarmConfigurationError([
      `multicast: must be given options or nothing, as multicast(), not ${shown(options)}`,
    ]);
  const { group = GROUP, port = PORT, interface: card } = options;
  const faults = [
    ...Object.keys(options).flatMap((key) =>
      KNOWN.has(key) ? [] : [`${shown(key)} is no option; write group, port or interface`],
    ),
    isGroup(group)
      ? undefined
      : `group must be an IPv4 multicast address, as "${GROUP}", not ${shown(group)}`,
    isPort(port) ? undefined : `port must be a whole number from 1 to 65535, not ${shown(port)}`,
    card === undefined || (typeof card === 'string' && isIPv4(card))
      ? undefined
      : `interface must be the IPv4 address of a network card, as "10.0.0.5", not ${shown(card)}`,
  ].filter((fault) => fault !== undefined);
  if (faults.length > 0) throw new SwarmConfigurationError(faults.map((fault) => `multicast: ${fault}`));
  return { group, port, interface: card };
}

function isGroup(value: unknown): boolean {
  if (typeof value !== 'string' || !isIPv4(value)) return false;
  const first = Number(value.split('.')[0]);
  return first >= 224 && first <= 239;
}
