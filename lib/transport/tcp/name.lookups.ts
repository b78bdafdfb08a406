// `dns.lookup` is taken from its module at each question, as `node:net` does: an application may have put one with a cache
// in its place.
import dns, { type LookupAddress, type LookupOptions } from 'node:dns';

import { messageOf } from '../../errors/thrown.js';

type Told = (error: NodeJS.ErrnoException | null, address: string | LookupAddress[], family?: number) => void;

/**
 * Asks the machine for the addresses of a name, once at a time however many connections wait for them. A question holds
 * one of the few threads of the process for as long as a DNS server is silent, which is longer than a dial lasts, and
 * cannot be taken back: with one for each dial the threads would not be free again for anything else that needs them.
 */
export class NameLookups {
  private readonly waiting = new Map<string, Told[]>();

  /** For `net.connect`. */
  readonly lookup = (name: string, options: LookupOptions, told: Told): void => {
    const key = JSON.stringify([name, options.family, options.hints, options.all]);
    const others = this.waiting.get(key);
    if (others) return void others.push(told);
    const all = [told];
    const answer: Told = (error, address, family) => {
      // Once: another question may be under way by now.
      if (this.waiting.get(key) !== all) return;
      this.waiting.delete(key);
      for (const one of all) one(error, address, family);
    };
    this.waiting.set(key, all);
    try {
      dns.lookup(name, options, answer);
    } catch (error) {
      answer(new Error(`the lookup of ${name} threw: ${messageOf(error)}`), []);
    }
    return undefined;
  };
}
