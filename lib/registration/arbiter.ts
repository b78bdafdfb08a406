// Decides who gets a name when several want it (promise P1): every start of a name needs the word of the one node
// that is its arbiter, and a word counts only while its giver is the arbiter in the receiver's view.
import { RowStatus, type Row } from '../tracker/row.js';
import type { NodeId } from '../transport/node-info.js';
import type { RegistrationParts } from './registration-parts.js';

/** Who wants a name, and for which registration. */
export interface Claimant {
  readonly node: NodeId;
  readonly registration: string;
  /** For a type with a quorum; see `Placements.arbiterOf`. */
  readonly strict: boolean;
}

type ArbiterParts = Pick<
  RegistrationParts,
  'self' | 'knowsAll' | 'index' | 'rows' | 'replicas' | 'placements' | 'trace'
>;

export class Arbiter {
  /** Names given to another node whose row does not show it yet. */
  private readonly grants = new Map<string, Claimant>();

  constructor(private readonly parts: ArbiterParts) {}

  /** `free`, or the row that has the name, or `wait`: ask again when the name or the view has changed. */
  verdict(name: string, claimant: Claimant): 'free' | 'wait' | Row {
    const { self, knowsAll, index, rows } = this.parts;
    if (!knowsAll()) return 'wait';
    const row = index.get(name);
    if (row?.isShown) return row;
    if (row?.isHeld) return 'wait';
    if (row?.orphaned && row.registration !== claimant.registration) return 'wait';
    const own = rows.get(name);
    if (own && (claimant.node === self || own.registration !== claimant.registration)) return 'wait';
    const granted = this.activeGrant(name);
    if (granted && !isSame(granted, claimant)) return 'wait';
    return 'free';
  }

  /** Gives a name, found free, to a node that shows a claiming row for it: that row, if it is (still) there. */
  grant(name: string, claimant: Claimant): Row | undefined {
    const row = this.claimOf(name, claimant);
    if (!row) return undefined;
    this.grants.set(name, claimant);
    this.parts.trace(() => `as its arbiter gives "${name}" to ${claimant.node}`);
    return row;
  }

  /** The name's rows have changed: a grant that has become a row, or whose row is gone, is spent. */
  changed(name: string): void {
    if (this.grants.size > 0 && this.grants.has(name)) this.activeGrant(name);
  }

  private activeGrant(name: string): Claimant | undefined {
    const granted = this.grants.get(name);
    if (!granted) return undefined;
    const arbiter = this.parts.placements.arbiterOf(name, granted.strict);
    if (arbiter === this.parts.self && this.claimOf(name, granted)) return granted;
    this.grants.delete(name);
    return undefined;
  }

  private claimOf(
    name: string,
    { node, registration }: Pick<Claimant, 'node' | 'registration'>,
  ): Row | undefined {
    const row = this.parts.replicas.table(node)?.get(name);
    return row?.registration === registration && row.status === RowStatus.claiming ? row : undefined;
  }
}

function isSame(a: Claimant, b: Claimant): boolean {
  return a.node === b.node && a.registration === b.registration;
}
