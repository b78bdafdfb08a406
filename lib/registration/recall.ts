// Decides whether a registration of a dead node may go on under a quorum (promise P4). If it has ended, `size` nodes know
// that, so among any `size` of those that count at least one does. A node that would start the worker asks so many first,
// because it may not have met the ones that know.
import { votes } from '../cluster/quorum-bound.js';
import type { Row } from '../tracker/row.js';
import { FrameKind, type RecallFrame } from '../transport/frame.js';
import type { NodeId } from '../transport/node-info.js';
import type { Endings } from './endings.js';
import { ask, respond } from './questions.js';
import type { RegistrationParts } from './registration-parts.js';

export class Recall {
  constructor(
    private readonly parts: RegistrationParts,
    private readonly endings: Endings,
  ) {}

  /** Whether enough others know of no end. False also when they are not to be reached until `deadline`: ask again later. */
  mayGoOn({ name, type, registration }: Row, deadline: number): Promise<boolean> {
    const { placements, membership, self } = this.parts;
    let needed = (placements.quorumOf(type) ?? 1) - 1;
    if (needed === 0) return Promise.resolve(true);
    const others = membership.fencing
      .boundOf(type)
      .members.filter((member) => member.info.id !== self && member.linked && votes(member));
    let left = others.length;
    if (left < needed) return Promise.resolve(false);
    const question = { kind: FrameKind.Recall, name, registration } as const;
    return new Promise((resolve) => {
      const ended = (): void => {
        this.endings.forgotten(name, registration);
        resolve(false);
      };
      const unknown = (): void => {
        left--;
        if (left < needed) resolve(false);
      };
      for (const { info } of others) {
        ask(this.parts, info.id, question, deadline).then((reply) => {
          if (reply?.outcome === 'elsewhere') return ended();
          if (reply?.outcome !== 'ok') return unknown();
          left--;
          needed--;
          return needed === 0 ? resolve(true) : undefined;
        }, unknown);
      }
    });
  }

  onRecall(from: NodeId, { id, registration }: RecallFrame): void {
    const outcome = this.parts.forgotten.has(registration) ? 'elsewhere' : 'ok';
    respond(this.parts, from, id, Promise.resolve({ outcome }));
  }
}
