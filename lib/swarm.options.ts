import type { DiscoveryProvider } from './discovery/discovery-provider.interface.js';
import type { DistributionStrategy } from './distribution/strategy.interface.js';
import type { SwarmTlsOptions } from './transport/tcp/tls.options.js';

/** How this process appears in the swarm. */
export interface SwarmNodeOptions {
  /**
   * First part of the node's id, `name@host:port`. Give each process a name of its own that says where it runs; it
   * stands in every log line of the others.
   *
   * @default `<hostname>-<pid>`
   */
  readonly name?: string | undefined;
  /**
   * The address that other nodes dial, or a name that they all resolve to it: the pod's, the container's, the machine's.
   * One that is not loopback needs a `secret`.
   *
   * @default '127.0.0.1'
   */
  readonly host?: string | undefined;
  /**
   * The address that the socket binds, where it differs from `host`, as `'0.0.0.0'`.
   *
   * @default `host`
   */
  readonly listen?: string | undefined;
  /**
   * The port to listen on. 0 lets the system choose a free one, which `localMachine()` tells the others; give one
   * when others find this node by `staticPeers`.
   *
   * @default 0 on loopback, 7946 elsewhere
   */
  readonly port?: number | undefined;
  /**
   * Share of names relative to the other nodes: a node of weight 2 hosts twice as many as one of weight 1.
   * Above 0 and up to 100.
   *
   * @default 1
   */
  readonly weight?: number | undefined;
  /**
   * `false` makes a client-only node: it registers and calls workers, and hosts none (but those of `registerLocal`).
   *
   * @default true
   */
  readonly hosting?: boolean | undefined;
  /**
   * Anything that helps to tell nodes apart, as `{ zone: 'a' }`. A worker type with `labels` runs only on nodes that
   * have them; strategies get them, and `SwarmCluster.nodes()` shows them.
   *
   * @default {}
   */
  readonly labels?: Readonly<Record<string, string>> | undefined;
}

/** How workers of this node move to other nodes. Times are in milliseconds. */
export interface SwarmHandoffOptions {
  /**
   * Milliseconds that each step of a move may take: the message that the worker handles, its `@OnHandoff('begin')`,
   * and its start on the other node with `onWorkerStart` and `@OnHandoff('end')`. A worker that takes longer stays
   * where it is and goes on.
   *
   * @default 5000
   */
  readonly timeoutMs?: number | undefined;
  /**
   * How many workers of this node move at the same time, at most. More is faster, and leaves less of the node to the others.
   * Fewer do where they are away shorter by that; a node that leaves moves as many as it takes to be done within half of
   * `drain.timeoutMs`. Large states (above 256 KiB) go one after the other as long as there is time for that.
   *
   * @default 64
   */
  readonly concurrency?: number | undefined;
  /**
   * Most milliseconds that a node which leaves goes on passing messages on to where its workers went, within
   * `drain.timeoutMs`. It leaves sooner when every other node has said that it sends no more. 0 waits for none.
   *
   * @default 10000
   */
  readonly forwardMs?: number | undefined;
}

/** How this node leaves the swarm. Times are in milliseconds. */
export interface SwarmDrainOptions {
  /**
   * Milliseconds in which the workers of a node that shuts down must be handed off, where `SwarmCluster.drain()` says
   * nothing else. What is left then is logged by name, ends, and is started anew elsewhere without its state. Keep it
   * under the time that the platform gives: Kubernetes kills a pod 30 seconds after SIGTERM.
   *
   * @default 25000
   */
  readonly timeoutMs?: number | undefined;
}

/** Options of `SwarmModule.forRoot`. Times are in milliseconds, sizes in bytes. */
export interface SwarmModuleOptions {
  /**
   * Which swarm this process belongs to. Nodes of different clusters refuse each other, so two applications on one
   * machine do not mix.
   *
   * @default the `name` in the nearest package.json, from the working directory upwards
   */
  readonly cluster?: string | undefined;
  /**
   * What every node of the swarm knows and nobody else: both sides of a link prove it (HMAC-SHA256 over fresh nonces and
   * both ids) before anything else is read. Needed as soon as `node.host` or `node.listen` is not loopback. Take 32 random
   * bytes, as `openssl rand -base64 32` prints them. Of an array the first proves, and all are accepted, so that one can
   * be replaced node by node: `[old, new]` everywhere, then `[new, old]`, then `[new]`. Is in no log, no `inspect()`.
   *
   * @default none: every process of this machine may link
   */
  readonly secret?: string | readonly string[] | undefined;
  /**
   * Encrypts links and checks certificates, by options of `node:tls`. Without it whoever sits between two nodes reads
   * what they send, and can change it: the secret is proved once, when a link opens.
   *
   * @default none: links are plain
   */
  readonly tls?: SwarmTlsOptions | undefined;
  /** How this process appears in the swarm. */
  readonly node?: SwarmNodeOptions | undefined;
  /**
   * Where other nodes may be. Providers are combined and asked again for as long as the node lives.
   *
   * @default `[localMachine()]`; none when `NODE_ENV` is `test`, so that unit tests do not form a swarm
   */
  readonly discovery?: readonly DiscoveryProvider[] | undefined;
  /**
   * Which node hosts which name, for worker types that have no strategy of their own (`@SwarmWorker({ strategy })`).
   * Must be the same on every node: `ring()`, `staticQuorumRing({ size: 2 })`, or your own.
   *
   * @default `ring()`
   */
  readonly strategy?: DistributionStrategy | undefined;
  /**
   * Which nodes may host workers: those whose id (`name@host:port`) or name an entry matches. A string must be the whole
   * of it, a RegExp may match a part. All other nodes, this one too if it is not listed, are clients as with
   * `node.hosting: false`: they call workers and run none. Decides alone, so it is given instead of `nodeBlacklist`.
   * Should be the same on every node: what one of them refuses is a client for all.
   *
   * @default none: `nodeBlacklist` decides
   */
  readonly nodeWhitelist?: ReadonlyArray<string | RegExp> | undefined;
  /**
   * Which nodes may not host workers, matched as in `nodeWhitelist`. A list replaces the default one, `[]` ignores
   * nobody. Use it for processes that boot the application for a moment only, as shells, migrations and jobs, and whose
   * `node.name` says so: workers should not move to them and away again.
   *
   * @default `[/^remsh/, /_upgrader_/, /_maint_/]`
   */
  readonly nodeBlacklist?: ReadonlyArray<string | RegExp> | undefined;
  /**
   * Milliseconds between two pings on each link. Each acknowledged one extends the sender's lease. Less renews leases
   * more often, and costs traffic.
   *
   * @default 1000
   */
  readonly heartbeatMs?: number | undefined;
  /**
   * A node that was silent for so many milliseconds is suspected to be dead: the others are asked, and it is taken for
   * dead when none of them hears it either. A node that says its event loop was held up gets as much more time. Less
   * restarts workers sooner; more forgives longer pauses (garbage collection, a stopped process). A process that was
   * stopped for longer looks around before its workers begin another message. Must be more than `heartbeatMs`.
   *
   * @default 3000
   */
  readonly suspectAfterMs?: number | undefined;
  /**
   * Milliseconds that a question to all members waits for their answers: whether they hear a silent node, what they know
   * of a dead one's workers. More than a round trip between any two nodes, with room to spare.
   *
   * @default 500
   */
  readonly pollMs?: number | undefined;
  /**
   * Milliseconds that a node may run workers whose strategy has a quorum after it has sent the latest ping that enough
   * others have acknowledged: its lease. When it runs out they pause at once and keep their state. They go on if the
   * others answer again and have not gone on without this node; else they are stopped, as also after so many
   * milliseconds with fewer nodes than the quorum.
   *
   * What a node ran that is not heard any more starts elsewhere when its lease is surely over: not sooner than 1.02 times
   * as many milliseconds later. So less restarts workers sooner after a crash, and pauses them sooner when the network
   * or a node hesitates. Must be more than `heartbeatMs`. After Gray and Cheriton, "Leases:
   * an efficient fault-tolerant mechanism for distributed file cache consistency" (1989).
   *
   * @default 3000
   */
  readonly leaseMs?: number | undefined;
  /**
   * Changes of membership within so many milliseconds are handled as one, so that ten nodes that boot together cause
   * one view change and not ten.
   *
   * @default 100
   */
  readonly coalesceMs?: number | undefined;
  /**
   * A node that has found nobody for so many milliseconds starts alone. More gives slow discovery a chance.
   *
   * @default 1000
   */
  readonly aloneAfterMs?: number | undefined;
  /**
   * Milliseconds that the boot of the application waits for the node to be up. When they are over the boot goes on,
   * and so does the join.
   *
   * @default 5000
   */
  readonly joinTimeoutMs?: number | undefined;
  /**
   * How many other nodes must hold a registration before `register` resolves. 0 is faster and loses a registration
   * when its node dies in that instant.
   *
   * @default 1
   */
  readonly acks?: number | undefined;
  /**
   * Milliseconds that a call waits for its answer where the call itself says nothing else.
   *
   * @default 5000
   */
  readonly callTimeoutMs?: number | undefined;
  /**
   * Milliseconds that `register`, `registerOrGet`, `registerLocal`, `unregister`, and joining or leaving a group wait, where
   * the call says nothing else. Covers the worker's `onWorkerStart`.
   *
   * @default 10000
   */
  readonly registerTimeoutMs?: number | undefined;
  /**
   * Milliseconds that `SwarmCluster.ready()` waits where it says nothing else.
   *
   * @default 30000
   */
  readonly readyTimeoutMs?: number | undefined;
  /**
   * Milliseconds that `SwarmCluster.settled()` waits where it says nothing else.
   *
   * @default 30000
   */
  readonly settledTimeoutMs?: number | undefined;
  /** How workers of this node move to other nodes. */
  readonly handoff?: SwarmHandoffOptions | undefined;
  /** How this node leaves the swarm. */
  readonly drain?: SwarmDrainOptions | undefined;
  /**
   * Most messages that wait for one worker; a further one fails with `MailboxFullError`.
   *
   * @default 10000
   */
  readonly mailboxLimit?: number | undefined;
  /**
   * Most bytes of one encoded message or answer; a larger one fails with `PayloadTooLargeError` at its sender.
   *
   * @default 67108864 (64 MiB)
   */
  readonly maxPayloadBytes?: number | undefined;
  /**
   * Most bytes of the encoded start arguments of a worker. Every node keeps them for every name, so keep them small.
   *
   * @default 65536 (64 KiB)
   */
  readonly maxArgsBytes?: number | undefined;
  /**
   * Whether the global guards, pipes, interceptors and filters of the application run for messages too. They were
   * usually written for HTTP. Nest's hybrid applications have the same option and default.
   *
   * @default false
   */
  readonly inheritAppConfig?: boolean | undefined;
  /**
   * Sends the stack of what a handler threw along with the error, and logs every decision about a name with its reason
   * at the `debug` level. Not for production: stacks tell about the code, and there are many decisions.
   *
   * @default false
   */
  readonly debug?: boolean | undefined;
}

/** What a class given as `useClass` or `useExisting` to `forRootAsync` implements. */
export interface SwarmOptionsFactory {
  createSwarmOptions(): SwarmModuleOptions | Promise<SwarmModuleOptions>;
}
