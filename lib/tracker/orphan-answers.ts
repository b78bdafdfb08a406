// Answers nodes that have read less of a dead node's log and ask what became of rows that they were not sent. A question
// waits while this node does not know either, because it has asked another node itself.
import type { OrphansFrame, WireRow } from '../transport/frame.js';
import { incarnationKey, type NodeId } from '../transport/node-info.js';
import type { DeadNode, DeadNodes } from './dead-nodes.js';
import type { OrphanParts } from './orphan-parts.js';
import type { OrphanSender } from './orphan-sender.js';

/** Most frames of questions about one dead node that wait until its survivors agree. */
const QUESTIONS_LIMIT = 1_024;

export class OrphanAnswers {
  constructor(
    private readonly parts: Pick<OrphanParts, 'index' | 'forgotten'>,
    private readonly dead: DeadNodes,
    private readonly sender: OrphanSender,
  ) {}

  /** A peer asks about rows: it is answered now, or when this node itself knows what became of them. */
  asked(from: NodeId, frame: OrphansFrame): void {
    const dead = this.dead.get(incarnationKey(frame.node, frame.incarnation));
    if (!dead || !dead.isUnsureOf(frame.rows)) this.answer(from, frame);
    else if (dead.questions.length < QUESTIONS_LIMIT) dead.questions.push([from, frame]);
    // A peer that is told that nothing is over keeps its rows, which loses nothing.
    else this.sayOver(from, frame, []);
  }

  /**
   * The survivors agree: answers the questions that wait, and shows the rows that were kept to all that were told only of
   * the others.
   */
  tellKept(dead: DeadNode): void {
    const { kept, questions, told } = dead;
    dead.kept = new Set();
    dead.questions = [];
    for (const [from, frame] of questions) this.answer(from, frame);
    if (kept.size > 0) for (const peer of told) this.sender.some(peer, dead, 'shown', kept);
    told.clear();
  }

  /**
   * Rows are over if their registration has ended, or if this node, having read as far, shows no row of it. Where it shows
   * one the worker lives on, perhaps at a node that the asker has not met: the asker keeps its row, so that the registration
   * is not lost if that node dies, and this one.
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

  /** The answer is the question with only those of its rows that are over. */
  private sayOver(to: NodeId, question: OrphansFrame, rows: readonly WireRow[]): void {
    this.sender.frame(to, { ...question, says: 'over', rows });
  }
}
