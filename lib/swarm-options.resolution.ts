import { existsSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { IgnoreList } from './cluster/ignore-list.js';
import type { DiscoveryProvider } from './discovery/discovery-provider.interface.js';
import { localMachine } from './discovery/index.js';
import { ring } from './distribution/index.js';
import type { KernelOptions } from './node/kernel-options.js';
import { isLoopback } from './transport/loopback.js';
import { optionFaults } from './swarm-options.validation.js';
import type { SwarmModuleOptions } from './swarm.options.js';
import type { SwarmTlsOptions } from './transport/tcp/tls.options.js';

/** Of a node that other machines reach: they write addresses without a port. */
const DEFAULT_PORT = 7946;

/** The options with every default filled in. */
export interface ResolvedSwarmOptions {
  readonly kernel: KernelOptions;
  readonly discovery: readonly DiscoveryProvider[];
  /** The address that the socket binds. */
  readonly listen: string;
  readonly port: number;
  /** The one that proves first. */
  readonly secrets: readonly string[];
  readonly tls: SwarmTlsOptions | undefined;
  readonly mailboxLimit: number;
  readonly inheritAppConfig: boolean;
}

/** Either usable options or what is wrong with them. */
export interface OptionsResolution {
  /** Only when there are no faults. */
  readonly resolved?: ResolvedSwarmOptions;
  /** Whether global enhancers apply, as far as it can be told of faulty options: the workers are checked all the same. */
  readonly inheritAppConfig: boolean;
  readonly faults: readonly string[];
}

/** Checks the options and fills in the defaults. */
export function resolveOptions(options: SwarmModuleOptions): OptionsResolution {
  const faults = optionFaults(options);
  const inheritAppConfig = (options as SwarmModuleOptions | null | undefined)?.inheritAppConfig === true;
  if (faults.length > 0) return { faults, inheritAppConfig };
  const { heartbeatMs = 1000, suspectAfterMs = 3000, leaseMs = 3000 } = options;
  const { maxPayloadBytes = 64 * 1024 * 1024, maxArgsBytes = 64 * 1024 } = options;
  const cluster = options.cluster ?? nearestPackageName();
  if (cluster === undefined)
    faults.push('cluster is needed: no package.json with a name is near; write { cluster: "shop" }');
  if (suspectAfterMs <= heartbeatMs) {
    faults.push(
      `suspectAfterMs (${suspectAfterMs}) must be more than heartbeatMs (${heartbeatMs}); three times as much is usual`,
    );
  }
  if (leaseMs <= heartbeatMs) {
    faults.push(
      `leaseMs (${leaseMs}) must be more than heartbeatMs (${heartbeatMs}), or leases run out between two pings; three times as much is usual`,
    );
  }
  if (maxArgsBytes > maxPayloadBytes) {
    faults.push(`maxArgsBytes (${maxArgsBytes}) must not be more than maxPayloadBytes (${maxPayloadBytes})`);
  }
  const host = options.node?.host ?? '127.0.0.1';
  const listen = options.node?.listen ?? host;
  const secrets = typeof options.secret === 'string' ? [options.secret] : (options.secret ?? []);
  const open = [host, listen].find((address) => !isLoopback(address));
  if (open !== undefined && secrets.length === 0) {
    faults.push(
      `secret is needed because others reach ${open}: write { secret: process.env.SWARM_SECRET }, the same on every node, as \`openssl rand -base64 32\` prints one`,
    );
  }
  if (cluster === undefined || faults.length > 0) return { faults, inheritAppConfig };
  const resolved: ResolvedSwarmOptions = {
    kernel: {
      cluster,
      node: {
        name: options.node?.name ?? defaultNodeName(),
        host,
        weight: options.node?.weight ?? 1,
        labels: { ...options.node?.labels },
        hosting: options.node?.hosting ?? true,
      },
      strategy: options.strategy ?? ring(),
      ignoreList: new IgnoreList({ whitelist: options.nodeWhitelist, blacklist: options.nodeBlacklist }),
      heartbeatMs,
      suspectAfterMs,
      pollMs: options.pollMs ?? 500,
      coalesceMs: options.coalesceMs ?? 100,
      aloneAfterMs: options.aloneAfterMs ?? 1000,
      joinTimeoutMs: options.joinTimeoutMs ?? 5000,
      acks: options.acks ?? 1,
      callTimeoutMs: options.callTimeoutMs ?? 5000,
      registerTimeoutMs: options.registerTimeoutMs ?? 10_000,
      readyTimeoutMs: options.readyTimeoutMs ?? 30_000,
      settledTimeoutMs: options.settledTimeoutMs ?? 30_000,
      leaseMs,
      handoff: {
        timeoutMs: options.handoff?.timeoutMs ?? 5000,
        concurrency: options.handoff?.concurrency ?? 64,
        forwardMs: options.handoff?.forwardMs ?? 10_000,
      },
      drain: { timeoutMs: options.drain?.timeoutMs ?? 25_000 },
      debug: options.debug ?? false,
      maxPayloadBytes,
      maxArgsBytes,
    },
    // A unit test that forgets to say `discovery` must not find the developer's running application.
    discovery: options.discovery ?? (process.env['NODE_ENV'] === 'test' ? [] : [localMachine()]),
    listen,
    port: options.node?.port ?? (isLoopback(host) ? 0 : DEFAULT_PORT),
    secrets,
    tls: options.tls,
    mailboxLimit: options.mailboxLimit ?? 10_000,
    inheritAppConfig,
  };
  return { resolved, faults, inheritAppConfig };
}

/** Host names are up to the machine's owner; what a node's name may not hold is replaced. */
function defaultNodeName(): string {
  return `${hostname().replaceAll(/[@\s\p{Cc}]/gu, '-') || 'node'}-${process.pid}`;
}

/** Upwards from the working directory, else from the script that was started: `npm start` sets the first. */
function nearestPackageName(): string | undefined {
  const script = process.argv[1];
  return (
    packageNameAbove(process.cwd()) ??
    (script === undefined ? undefined : packageNameAbove(dirname(resolve(script))))
  );
}

function packageNameAbove(start: string): string | undefined {
  for (let folder = start; ; folder = dirname(folder)) {
    const file = join(folder, 'package.json');
    if (existsSync(file)) {
      const name = packageName(file);
      if (name !== undefined) return name;
    }
    if (dirname(folder) === folder) return undefined;
  }
}

function packageName(file: string): string | undefined {
  try {
    const { name } = JSON.parse(readFileSync(file, 'utf8')) as { name?: unknown };
    return typeof name === 'string' && name !== '' ? name : undefined;
  } catch {
    return undefined;
  }
}
