import type { BigIntStats } from 'node:fs';
import { open, stat } from 'node:fs/promises';

import { shown } from '../errors/shown.js';
import { addressKey, type Address } from '../transport/node-info.js';
import { ADDRESS_EXAMPLES, parseAddress } from './peer-address.js';

const MAX_BYTES = 1_048_576;
const MAX_ENTRIES = 4_096;
/** Of many wrong lines the first are named, so that a message stays readable. */
const LINES_SHOWN = 5;
/** A file written twice within one tick of its system's clock looks the same: 2 s on FAT, the slowest. */
const TICK_MS = 2_000;

/** What a file of addresses says. */
export interface PeersFileContent {
  readonly addresses: readonly Address[];
  /** What is wrong with the file, where, and what to write instead; `undefined` if nothing is. */
  readonly fault: string | undefined;
}

/**
 * A text file with one address per line. Blank lines are skipped, and what stands behind a `#`. Read anew only when it
 * has changed, so that it can be asked often.
 *
 * What can be read counts: wrong lines take nothing from the others, and a file that vanished, or in which no line is
 * right, leaves the addresses of before. Only a file that is in order takes addresses away down to the last.
 */
export class PeersFile {
  private content: PeersFileContent = { addresses: [], fault: undefined };
  /** What the file looked like when it was last read. */
  private seen: string | undefined;
  private isSettled = false;
  private reading: Promise<PeersFileContent> | undefined;

  constructor(readonly path: string) {}

  /** Never rejects: what is wrong is in the answer. Who asks while the file is read waits for the same answer. */
  read(): Promise<PeersFileContent> {
    this.reading ??= this.update().finally(() => (this.reading = undefined));
    return this.reading;
  }

  /** Whether it looks other than when it was last read. */
  async hasChanged(): Promise<boolean> {
    return lookOf(await this.stats()) !== this.seen;
  }

  private async update(): Promise<PeersFileContent> {
    const stats = await this.stats();
    const look = lookOf(stats);
    if (this.isSettled && look === this.seen) return this.content;
    this.seen = look;
    // One that was changed just now may change again without looking other.
    this.isSettled = stats instanceof Error || Date.now() - Number(stats.mtimeMs) > TICK_MS;
    const { addresses, fault } = await this.parsed(stats);
    const keeps = fault !== undefined && addresses.length === 0;
    this.content = { addresses: keeps ? this.content.addresses : addresses, fault };
    return this.content;
  }

  private async stats(): Promise<BigIntStats | NodeJS.ErrnoException> {
    try {
      return await stat(this.path, { bigint: true });
    } catch (error) {
      return error as NodeJS.ErrnoException;
    }
  }

  private async parsed(stats: BigIntStats | NodeJS.ErrnoException): Promise<PeersFileContent> {
    if (stats instanceof Error) return this.wrong(unreadable(stats));
    // To open a pipe waits for its writer, and a device may never end.
    if (!stats.isFile()) return this.wrong('is no file: write a text file with one address per line');
    try {
      const text = await textOf(this.path);
      return text === undefined ? this.wrong(`is larger than ${MAX_BYTES} bytes`) : this.parse(text);
    } catch (error) {
      return this.wrong(unreadable(error as NodeJS.ErrnoException));
    }
  }

  private wrong(what: string): PeersFileContent {
    return { addresses: [], fault: `${this.path} ${what}` };
  }

  private parse(text: string): PeersFileContent {
    const addresses = new Map<string, Address>();
    const wrong: string[] = [];
    let faults = 0;
    for (const [index, line] of text.split(/\r\n|\n|\r/).entries()) {
      const entry = line.replace(/#.*/, '').trim();
      if (entry === '') continue;
      const address = parseAddress(entry);
      if (address === undefined) {
        faults += 1;
        if (faults <= LINES_SHOWN) wrong.push(`line ${index + 1}: ${shown(entry)} is no address`);
      } else if (addresses.size < MAX_ENTRIES) {
        addresses.set(addressKey(address), address);
      } else if (!addresses.has(addressKey(address))) {
        wrong.push(`line ${index + 1}: more than ${MAX_ENTRIES} addresses; those from here on are left out`);
        break;
      }
    }
    if (faults > LINES_SHOWN) wrong.push(`and ${faults - LINES_SHOWN} more lines that are no address`);
    const advice = faults > 0 ? `; write ${ADDRESS_EXAMPLES}, one per line, and comments after "#"` : '';
    const fault = wrong.length > 0 ? `${this.path}, ${wrong.join(', ')}${advice}` : undefined;
    return { addresses: [...addresses.values()], fault };
  }
}

/** Equal for two looks at the same state. A folder swapped by a link, as Kubernetes does, shows another inode. */
function lookOf(stats: BigIntStats | NodeJS.ErrnoException): string {
  if (stats instanceof Error) return stats.code ?? stats.message;
  const { dev, ino, size, mtimeNs, ctimeNs } = stats;
  return [dev, ino, size, mtimeNs, ctimeNs].join(' ');
}

function unreadable(error: NodeJS.ErrnoException): string {
  return error.code === 'ENOENT'
    ? 'does not exist: write it, with one address per line'
    : `cannot be read: ${error.message}`;
}

/** `undefined` if it is too large; it may have grown since it was looked at. */
async function textOf(path: string): Promise<string | undefined> {
  const file = await open(path);
  try {
    const buffer = Buffer.alloc(MAX_BYTES + 1);
    let length = 0;
    while (length < buffer.length) {
      const { bytesRead } = await file.read(buffer, length, buffer.length - length, length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    // The mark that some editors put before the text is not part of the first line.
    return length > MAX_BYTES ? undefined : buffer.toString('utf8', 0, length).replace(/^\uFEFF/, '');
  } finally {
    await file.close();
  }
}
