import { type FSWatcher, watch } from 'node:fs';
import { dirname, resolve } from 'node:path';

import { SwarmConfigurationError } from '../errors/index.js';
import { shown } from '../errors/shown.js';
import { addressKey, type Address } from '../transport/node-info.js';
import type { DiscoveryContext, DiscoveryProvider } from './discovery-provider.interface.js';
import { ADDRESS_EXAMPLES, parseAddress } from './peer-address.js';
import { PeersFile, type PeersFileContent } from './peers-file.js';
import { ToldFault } from './told-fault.js';

/** A text file that holds the addresses, for `staticPeers`. */
export interface PeersFileOptions {
  /** Its path, from the working directory if it is relative. It need not exist yet; its folder is watched. */
  readonly file: string;
}

/**
 * Nodes may be at these addresses: `10.0.0.6:7946`, `[::1]:7946`, `db-1.internal` (port 7946). One that is up is
 * enough, since each node tells of all others. Names are resolved at each dial, so that a moved one is found.
 *
 * With `{ file }` the addresses stand in a text file, one per line, with comments after `#`: at most 1 MiB and 4,096
 * addresses. It may change while the node lives, also by being replaced or as a mounted ConfigMap: it is looked at in
 * each round of discovery, and a change is noticed at once where its folder can be watched. Replace it by renaming, so
 * that nobody reads half of it.
 *
 * A mistake in the file loses nobody. The addresses of all other lines count, and if there are none, those of before.
 * It is told with file and line, as a failure of one question each time that it is another one, and of every question
 * while there is no address at all.
 *
 * @throws SwarmConfigurationError naming every entry that is no address, or what is wrong with the options
 */
export function staticPeers(peers: readonly string[] | PeersFileOptions): DiscoveryProvider {
  return isObject(peers) ? new WatchedPeers(pathOf(peers)) : listedPeers(peers);
}

function listedPeers(peers: unknown): DiscoveryProvider {
  const faults: string[] = [];
  const addresses = new Map<string, Address>();
  for (const peer of Array.isArray(peers) ? (peers as readonly unknown[]) : [peers]) {
    const address = typeof peer === 'string' ? parseAddress(peer.trim()) : undefined;
    if (address === undefined)
      faults.push(`staticPeers: ${shown(peer)} is no address; write ${ADDRESS_EXAMPLES}`);
    else addresses.set(addressKey(address), address);
  }
  if (faults.length > 0) throw new SwarmConfigurationError(faults);
  const candidates = [...addresses.values()];
  return {
    name: `staticPeers(${[...addresses.keys()].join(', ')})`,
    candidates: () => Promise.resolve(candidates),
  };
}

function pathOf(options: Readonly<Record<string, unknown>>): string {
  const { file } = options;
  const faults = Object.keys(options).flatMap((key) =>
    key === 'file' ? [] : [`staticPeers: ${shown(key)} is no option; write { file: '/etc/swarm/peers' }`],
  );
  if (typeof file !== 'string' || file === '' || file.includes('\0'))
    faults.push(
      `staticPeers: file must be the path of a text file, as "/etc/swarm/peers", not ${shown(file)}`,
    );
  if (faults.length > 0) throw new SwarmConfigurationError(faults);
  return resolve(file as string);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The addresses of a file, which is looked at in each round, and between them when its folder says that it changed. */
class WatchedPeers implements DiscoveryProvider {
  readonly name: string;
  private readonly file: PeersFile;
  private context: DiscoveryContext | undefined;
  private watcher: FSWatcher | undefined;
  private content: PeersFileContent | undefined;
  private readonly fault = new ToldFault();
  /** Events while the file is looked at: it may have changed after the look. */
  private isLooking = false;
  private looksAgain = false;

  constructor(path: string) {
    this.file = new PeersFile(path);
    this.name = `staticPeers(${path})`;
  }

  /** Rejects if something is wrong with the file: a node that is configured wrongly should say so at its boot. */
  async start(context: DiscoveryContext): Promise<void> {
    this.context = context;
    this.watch();
    await this.candidates();
  }

  async candidates(): Promise<readonly Address[]> {
    const content = await this.file.read();
    if (content !== this.content) {
      // The path may lead to another folder by now, or to one again.
      this.content = content;
      this.unwatch();
    }
    this.watch();
    const { addresses, fault } = content;
    return this.fault.unless(fault === undefined ? undefined : new Error(fault), addresses);
  }

  async stop(): Promise<void> {
    this.context = undefined;
    this.unwatch();
  }

  /**
   * The folder and not the file: a file that is replaced by another one, or by a link to another folder, would be
   * watched no longer. Where it cannot be watched (there is no folder yet, the system has no more watches), a change is
   * seen in the next round.
   */
  private watch(): void {
    if (this.watcher || !this.context) return;
    try {
      this.watcher = watch(dirname(this.file.path), { persistent: false }, () => this.look());
      this.watcher.on('error', () => this.unwatch());
      // It may have changed after it was read and before it was watched.
      if (this.content) this.look();
    } catch {
      this.watcher = undefined;
    }
  }

  private unwatch(): void {
    this.watcher?.close();
    this.watcher = undefined;
  }

  /** The folder may hold other files that change all the time: only this one counts. */
  private look(): void {
    this.looksAgain = this.isLooking;
    if (this.isLooking) return;
    this.isLooking = true;
    void this.file.hasChanged().then((changed) => {
      this.isLooking = false;
      if (changed) this.context?.changed();
      else if (this.looksAgain) this.look();
    });
  }
}
