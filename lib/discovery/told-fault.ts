import type { Address } from '../transport/node-info.js';

/**
 * What is wrong with a source of candidates, told as a rejection: each time that it is another fault, and with every
 * question while there are no candidates at all. Otherwise the candidates of before count.
 */
export class ToldFault {
  private told: string | undefined;

  /** @throws the fault, if it is to be told */
  unless(fault: Error | undefined, candidates: readonly Address[]): readonly Address[] {
    const isNews = fault?.message !== this.told;
    this.told = fault?.message;
    if (fault && (isNews || candidates.length === 0)) throw fault;
    return candidates;
  }
}
