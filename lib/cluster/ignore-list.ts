// Decides by their names which nodes may host workers (`nodeWhitelist`, `nodeBlacklist`). One that is ignored may be a
// client: it gets answers, hosts nothing and is in no ring. After the lists of the same names of Elixir's swarm.
import { types } from 'node:util';
import type { NodeId, NodeInfo } from '../transport/node-info.js';

/** What matches a node by its id or its name: the whole of it as a string, or a RegExp. */
export type NodePattern = string | RegExp;

/** The lists as the options have them, checked. At most one of them decides. */
export interface IgnoreListOptions {
  /** Who may host; all others are ignored. Decides alone where it is given. */
  readonly whitelist?: readonly NodePattern[] | undefined;
  /** Who is ignored; the defaults where it is not given, nobody where it is empty. */
  readonly blacklist?: readonly NodePattern[] | undefined;
}

/** Shells and tools that join a swarm for a moment: those that Elixir's swarm leaves out by default. */
const DEFAULT_BLACKLIST: readonly NodePattern[] = [/^remsh/, /_upgrader_/, /_maint_/];

/** Entries of a whitelist that a reason names; the reason travels to the node that is refused. */
const ENTRIES_NAMED = 5;
/** Characters of an entry that a reason shows. */
const ENTRY_LENGTH = 100;

/** Which nodes are ignored. Immutable: the lists are copied, and a test leaves nothing behind. */
export class IgnoreList {
  private readonly isWhitelist: boolean;
  private readonly entries: readonly NodePattern[];
  private readonly origin: string;

  constructor({ whitelist, blacklist }: IgnoreListOptions = {}) {
    this.isWhitelist = whitelist !== undefined;
    // Copies: a RegExp with `g` or `y` keeps in itself where its last match ended, and is its owner's to change.
    this.entries = (whitelist ?? blacklist ?? DEFAULT_BLACKLIST).map((entry) =>
      types.isRegExp(entry) ? new RegExp(entry) : entry,
    );
    const list = this.isWhitelist ? 'nodeWhitelist' : 'nodeBlacklist';
    this.origin = (whitelist ?? blacklist) ? list : `${list} (its default)`;
  }

  /**
   * Why the node is ignored, as the end of a sentence that names the list and the entry; `undefined` if it is not. An
   * entry matches by the node's id or by its name.
   */
  reasonFor({ id, name }: Pick<NodeInfo, 'id' | 'name'>): string | undefined {
    const entry = this.entries.find((one) => matches(one, id) || matches(one, name));
    if (!this.isWhitelist)
      return entry === undefined ? undefined : `${show(entry)} of ${this.origin} matches it`;
    return entry === undefined ? `no entry of ${this.origin} matches it: ${this.named()}` : undefined;
  }

  private named(): string {
    const more = this.entries.length - ENTRIES_NAMED;
    const shown = this.entries.slice(0, ENTRIES_NAMED).map(show).join(', ');
    return more > 0 ? `${shown} and ${more} more` : shown;
  }
}

/** `search` begins at the start of the text whatever the flags, and leaves the RegExp as it was; `test` does not. */
function matches(entry: NodePattern, text: NodeId): boolean {
  return typeof entry === 'string' ? entry === text : text.search(entry) >= 0;
}

function show(entry: NodePattern): string {
  const text = typeof entry === 'string' ? JSON.stringify(entry) : String(entry);
  return text.length > ENTRY_LENGTH ? `${text.slice(0, ENTRY_LENGTH)}…` : text;
}
