import { isIPv6 } from 'node:net';

import type { Address } from '../transport/node-info.js';

/** Port of an address that names none: the default port of a node that is not on loopback. */
export const DEFAULT_PORT = 7946;
/** For messages: what an address looks like. */
export const ADDRESS_EXAMPLES = '"10.0.0.6:7946", "[::1]:7946" or "host"';

/** Underscores too: services of DNS and the containers of some tools have them. */
const HOST_NAME = /^(?=.{1,253}\.?$)[a-z0-9_](?:[a-z0-9_-]{0,62})(?:\.[a-z0-9_][a-z0-9_-]{0,62})*\.?$/i;

/** Whether a name can be asked of DNS; IPv4 addresses look like one as well. */
export function isHostName(text: string): boolean {
  return HOST_NAME.test(text);
}

/**
 * Reads `10.0.0.6:7946`, `[::1]:7946`, `db-1.internal`, `::1`; a text that names no port gets `defaultPort`.
 * `undefined` if it is no address.
 */
export function parseAddress(text: string, defaultPort = DEFAULT_PORT): Address | undefined {
  if (isIPv6(text)) return { host: text, port: defaultPort };
  const match = /^(?:\[(?<v6>[^\]]+)\]|(?<name>[^:[\]]+))(?::(?<port>\d{1,5}))?$/.exec(text);
  if (match?.groups === undefined) return undefined;
  const { v6, name, port } = match.groups;
  const number = port === undefined ? defaultPort : Number(port);
  if (!isPort(number)) return undefined;
  if (v6 !== undefined) return isIPv6(v6) ? { host: v6, port: number } : undefined;
  return name !== undefined && isHostName(name) ? { host: name, port: number } : undefined;
}

/** A port that can be dialled. */
export function isPort(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 1 && (value as number) <= 65_535;
}
