import type { Socket } from 'node:net';

interface Connection {
  readonly socket: Socket;
  readonly network: string;
}

/**
 * Connections from outside that are no link (yet), also those that are being told why: so many and no more, for whoever
 * only connects must not fill this node.
 *
 * Nor may they keep out a node, which needs a few milliseconds among them: if the newest were turned away, those who stay
 * would do it; if the oldest, those who come fast. So the one that goes is of the network with the most of them (as
 * OpenSSH's `PerSourceMaxStartups` has it), of these one that has said nothing, and of these chosen by chance (as
 * `MaxStartups` has it).
 */
export class UnprovedConnections {
  private readonly connections = new Map<string, Connection>();
  /** How many of each network. */
  private readonly counts = new Map<string, number>();

  constructor(
    private readonly most: number,
    private readonly random: () => number,
  ) {}

  get size(): number {
    return this.connections.size;
  }

  /** Takes one more; returns the one that has to go for it. */
  add(socket: Socket): Socket | undefined {
    const surplus = this.size >= this.most ? this.takeSurplus() : undefined;
    // A socket knows where it comes from only while it is open.
    const key = keyOf(socket);
    const network = networkOf(socket.remoteAddress ?? '');
    this.delete(key);
    this.connections.set(key, { socket, network });
    this.counts.set(network, (this.counts.get(network) ?? 0) + 1);
    socket.once('close', () => this.delete(key));
    return surplus;
  }

  /** Forgets one: it is a link, or gone. Does nothing if it is not known. */
  delete(key: string): void {
    const connection = this.connections.get(key);
    if (connection === undefined) return;
    this.connections.delete(key);
    const left = (this.counts.get(connection.network) ?? 0) - 1;
    if (left > 0) this.counts.set(connection.network, left);
    else this.counts.delete(connection.network);
  }

  /** Closes all, also those that wait for TLS, of which nobody else knows. */
  destroy(): void {
    for (const { socket } of this.connections.values()) socket.destroy();
  }

  private takeSurplus(): Socket | undefined {
    let [crowded, count] = ['', 0];
    for (const [network, its] of this.counts) if (its > count) [crowded, count] = [network, its];
    const all = [...this.connections].filter(([, { network }]) => network === crowded);
    const silent = all.filter(([, { socket }]) => socket.bytesRead === 0);
    const from = silent.length > 0 ? silent : all;
    const [key, chosen] = from[Math.floor(this.random() * from.length)] ?? [];
    if (key !== undefined) this.delete(key);
    return chosen?.socket;
  }
}

/** What tells one connection from the others, under TLS too, where it has two sockets. */
export function keyOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}

/** Whose an address is: of IPv6 everyone has as many as they like, of the first 64 bits (RFC 4291, 2.5.1) one. */
export function networkOf(address: string): string {
  if (!address.includes(':') || address.includes('.')) return address.slice(address.lastIndexOf(':') + 1);
  const [head = '', tail] = address.split('::').map((half) => half.split(':').filter(Boolean));
  const gap = tail === undefined ? 0 : 8 - head.length - tail.length;
  return [...head, ...Array<string>(gap).fill('0'), ...(tail ?? [])].slice(0, 4).join(':');
}
