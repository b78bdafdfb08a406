// Answers those who have read less of a dead node's log, and ask what has become of rows that they were not sent. While
// this node does not know itself, because it has asked another, the question waits.
import type { OrphansFrame, WireRow } from '../transport/frame.js';
import { incarnationKey, type NodeId } from '../transport/node-info.js';
import type { DeadNode } from './dead-node.js';
import type { DeadNodes } from './dead-nodes.js';
import type { OrphanSender } from './orphan-sender.js';
import type { OrphansParts } from './orphans-parts.js';

/** How many frames of questions about one dead node wait until its survivors agree. */
const QUESTIONS_LIMIT = 1_024;

export class OrphanAnswers {
  constructor(
    private readonly parts: Pick<OrphansParts, 'index' | 'forgotten'>,
    private readonly dead: DeadNodes,
    private readonly sender: OrphanSender,
  ) {}

  /** Another, which has read less, was not sent these: it is answered when this node knows itself what has become of them. */
  asked(from: NodeId, frame: OrphansFrame): void {
    const dead = this.dead.get(incarnationKey(frame.node, frame.incarnation));
    if (!dead || !dead.isUnsureOf(frame.rows)) this.answer(from, frame);
    else if (dead.questions.length < QUESTIONS_LIMIT) dead.questions.push([from, frame]);
    // Who is told that nothing of it is over keeps it.
    else this.sayOver(from, frame, []);
  }

  /** What was kept, and is not over, is told now: to who has asked, and to those that were told of the others meanwhile. */
  tellKept(dead: DeadNode): void {
    const { kept, questions, told } = dead;
    dead.kept = new Set();
    dead.questions = [];
    for (const [from, frame] of questions) this.answer(from, frame);
    if (kept.size > 0) for (const peer of told) this.sender.some(peer, dead, 'shown', kept);
    told.clear();
  }

  /**
   * What this node shows a row of lives on, perhaps at a node that the other has not met: if that one dies, and this one, it
   * must not be gone with them.
   */
  private answer(from: NodeId, frame: OrphansFrame): void {
    const { node, incarnation, seq } = frame;
    const { index, forgotten } = this.parts;
    const knows = this.dead.readUpTo(node, incarnation) >= seq;
    const hasEnded = (name: string, registration: string): boolean =>
      forgotten.has(registration) ||
      (knows && index.all(name).every((row) => row.registration !== registration));
    const over = frame.rows.filter(([name, , , , registration]) => hasEnded(name, registration));
    this.sayOver(from, frame, over);
  }

  /** Sends the question back, with those of its rows that are over. */
  private sayOver(to: NodeId, question: OrphansFrame, rows: readonly WireRow[]): void {
    this.sender.frame(to, { ...question, says: 'over', rows });
  }
}
