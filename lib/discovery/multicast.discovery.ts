import { randomUUID } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { isIPv4 } from 'node:net';
// Imported for the reason that `NodeRuntime` gives: those in `globalThis` may be those of an application's tests.
import { performance } from 'node:perf_hooks';
import { clearTimeout, setTimeout } from 'node:timers';

import { messageOf } from '../errors/thrown.js';
import { isLoopback } from '../transport/loopback.js';
import type { Address } from '../transport/node-info.js';
import type { DiscoveryContext, DiscoveryProvider } from './discovery-provider.interface.js';
import { MulticastCodec, type MulticastKind } from './multicast-message.js';
import {
  resolveMulticastOptions,
  type MulticastOptions,
  type ResolvedMulticastOptions,
} from './multicast-options.js';
import { MulticastPeers } from './multicast-peers.js';
import { ToldFault } from './told-fault.js';

/** A node says so often at most that it is there, whoever asks. */
const ANNOUNCE_EVERY_MS = 200;
/** The first question waits so long for others to answer the announcement: they need not wait for the second. */
const FIRST_ANSWERS_MS = 400;
/** A node hears itself as well. One that said so much without it is deaf: the system has forgotten that it listens. */
const MOST_UNHEARD = 3;
const LOOPBACK = '127.0.0.1';
const STRANGERS_ONLY =
  "others speak there that do not sign with this swarm's secret: give all nodes the same, or the swarms different groups or ports";

/**
 * Nodes of one network find each other without naming any: each says by UDP multicast (IPv4, a group that routers do not
 * pass on) where it is, when it starts, in each round of discovery and when it hears of a new one. For machines on one
 * Ethernet or one bridge; clouds, Kubernetes and most container networks do not carry multicast.
 *
 * What is said is signed with the swarm's `secret`; what is not signed, or repeated, does not count. Without a secret,
 * which is possible on loopback alone, only processes of this machine are heard. A recorded announcement of a node that
 * is gone can make others dial its address in vain, and nothing else: who may join is decided by the handshake.
 *
 * @throws SwarmConfigurationError with all that is wrong with the options
 */
export function multicast(options: MulticastOptions = {}): DiscoveryProvider {
  return new MulticastDiscovery(resolveMulticastOptions(options));
}

class MulticastDiscovery implements DiscoveryProvider {
  readonly name: string;
  private readonly peers = new MulticastPeers();
  private context: DiscoveryContext | undefined;
  private codec = new MulticastCodec([]);
  private instance = '';
  private sequence = 0;
  private opening: Promise<Socket> | undefined;
  /** What was said since this node last heard itself. */
  private unheard = 0;
  private announcedAt = -Infinity;
  private announcing: NodeJS.Timeout | undefined;
  /** Why the last word could not be said, or none is heard. */
  private failure: Error | undefined;
  private readonly fault = new ToldFault();
  /** Datagrams since the last question that were not signed with this swarm's secret. */
  private unsigned = 0;
  private hasAnswered = false;
  private wakeFirst: (() => void) | undefined;

  constructor(private readonly options: ResolvedMulticastOptions) {
    this.name = `multicast(${options.group}:${options.port})`;
  }

  async start(context: DiscoveryContext): Promise<void> {
    this.context = context;
    this.codec = new MulticastCodec(context.secrets);
    this.instance = randomUUID();
    this.hasAnswered = false;
    await this.announce();
  }

  /** Says that this node is there, and gives those that were heard. */
  async candidates(): Promise<readonly Address[]> {
    if (!this.context) return [];
    await this.announceSoon().catch((error: Error) => (this.failure = error));
    if (!this.hasAnswered) await this.firstAnswer();
    const found = this.peers.candidates(performance.now());
    const { failure, unsigned } = this;
    this.unsigned = 0;
    const fault = failure ?? (found.length === 0 && unsigned > 0 ? new Error(STRANGERS_ONLY) : undefined);
    return this.fault.unless(fault, found);
  }

  async stop(): Promise<void> {
    const { context, opening } = this;
    this.context = undefined;
    clearTimeout(this.announcing);
    this.announcing = undefined;
    this.wakeFirst?.();
    this.peers.clear();
    if (!context || !opening) return;
    try {
      await this.say('bye', context);
    } finally {
      await this.shut();
    }
  }

  /** Others have a moment to answer before the first candidates are asked for. */
  private async firstAnswer(): Promise<void> {
    this.hasAnswered = true;
    if (this.peers.candidates(performance.now()).length > 0) return;
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.wakeFirst = resolve;
      timer = setTimeout(resolve, FIRST_ANSWERS_MS);
    });
    clearTimeout(timer);
    this.wakeFirst = undefined;
  }

  /** At once, unless that was done just now: then when its time has come. */
  private async announceSoon(): Promise<void> {
    if (this.announcing) return;
    const waitMs = this.announcedAt + ANNOUNCE_EVERY_MS - performance.now();
    if (waitMs <= 0) return this.announce();
    this.announcing = setTimeout(() => {
      this.announcing = undefined;
      void this.announce().catch((error: Error) => (this.failure = error));
    }, waitMs);
    this.announcing.unref();
  }

  private async announce(): Promise<void> {
    if (!this.context) return;
    this.announcedAt = performance.now();
    await this.say('here', this.context);
  }

  private async say(kind: MulticastKind, { cluster, self: address }: DiscoveryContext): Promise<void> {
    const { instance } = this;
    const datagram = this.codec.encode({ cluster, instance, sequence: ++this.sequence, kind, address });
    const { group, port } = this.options;
    try {
      // Not waited for: whoever stops meanwhile must find the new one.
      if (this.unheard >= MOST_UNHEARD) void this.shut();
      const socket = await (this.opening ??= this.open(address));
      await new Promise<void>((resolve, reject) => {
        socket.send(datagram, port, group, (error) => (error ? reject(error) : resolve()));
      });
      this.unheard += 1;
      this.failure = undefined;
    } catch (error) {
      // What is wrong now may be right in the next round, as a network card that was not there yet.
      await this.shut();
      throw this.explained(error);
    }
  }

  /** Another socket is opened for the next word. */
  private async shut(): Promise<void> {
    const { opening } = this;
    this.opening = undefined;
    this.unheard = 0;
    await opening?.then((socket) => socket.close()).catch(() => undefined);
  }

  private async open(self: Address): Promise<Socket> {
    const { group, port } = this.options;
    const card = this.options.interface ?? cardOf(self);
    const socket = createSocket({ type: 'udp4', reuseAddr: true });
    try {
      // Where the system can, bound to the group: what is sent to this machine alone does not come here.
      socket.bind({ port, address: process.platform === 'win32' ? undefined : group });
      await once(socket, 'listening');
      socket.addMembership(group, card);
      if (card !== undefined) socket.setMulticastInterface(card);
      socket.setMulticastTTL(1);
      socket.setMulticastLoopback(true);
    } catch (error) {
      socket.close();
      throw error;
    }
    socket.on('error', (error) => (this.failure = this.explained(error)));
    socket.on('message', (datagram) => this.hear(datagram));
    socket.unref();
    return socket;
  }

  private hear(datagram: Buffer): void {
    const { context } = this;
    const message = this.codec.decode(datagram);
    if (!context || typeof message === 'string') {
      if (message === 'unsigned') this.unsigned += 1;
      return;
    }
    if (message.instance === this.instance) this.unheard = 0;
    if (message.cluster !== context.cluster || message.instance === this.instance) return;
    if (context.secrets.length === 0 && !isLoopback(message.address.host)) return;
    if (!this.peers.hear(message, performance.now())) return;
    this.wakeFirst?.();
    context.changed();
    // It does not know of this node yet.
    void this.announceSoon().catch((error: Error) => (this.failure = error));
  }

  private explained(error: unknown): Error {
    const card = this.options.interface ?? (this.context && cardOf(this.context.self)) ?? 'of the system';
    return new Error(
      `${messageOf(error)}; check that the network card ${card} is up and carries multicast, and that the port is shared by swarms only`,
      { cause: error },
    );
  }
}

/** The network card of the node's own address; `undefined` if that is a name. */
function cardOf({ host }: Address): string | undefined {
  if (isLoopback(host)) return LOOPBACK;
  return isIPv4(host) ? host : undefined;
}
