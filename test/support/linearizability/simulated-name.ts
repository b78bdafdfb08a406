import type { Operation } from './operation.interface.js';
import type { NameInput, NameOutput } from './worker-name.model.js';

type NameOperation = Operation<NameInput, NameOutput>;

/** Of 1: how often an operation's answer is lost, and how often an activation is followed by another before one. */
const LOST = 0.1;
const FOLLOWED = 0.08;

/** A name that behaves as promised, asked for one thing after the other. It counts apart from the model. */
class TrueName {
  private worker: { fence: number; total: number } | undefined;
  private fence = 0;

  constructor(private readonly random: () => number) {}

  do({ kind }: NameInput): NameOutput {
    const { random } = this;
    if (this.worker && random() < FOLLOWED) this.activate(random() < 0.5 ? 0 : this.worker.total);
    if (kind === 'register') {
      if (this.worker) return { kind: 'refused' };
      this.activate(0);
      return { kind: 'ok' };
    }
    if (!this.worker) return { kind: 'not found' };
    if (kind === 'unregister') {
      this.worker = undefined;
      return { kind: 'ok' };
    }
    this.worker.total++;
    return { kind: 'answer', ...this.worker };
  }

  private activate(total: number): void {
    this.fence += 1 + Math.floor(this.random() * 5);
    this.worker = { fence: this.fence, total };
  }
}

/**
 * A history that is linearizable because it was made so: some clients, each asking for one thing after the other of one
 * name; every operation happens at an instant between its call and its answer, and some answers are lost.
 */
export function trueHistory(random: () => number, operations: number, clients: number): NameOperation[] {
  const planned: Array<{
    client: number;
    invokedAt: number;
    at: number;
    returnedAt: number;
    input: NameInput;
  }> = [];
  const freeAt = Array.from({ length: clients }, () => random() * 5);
  while (planned.length < operations) {
    const client = planned.length % clients;
    const invokedAt = freeAt[client]! + random() * 3;
    const at = invokedAt + random() * 10;
    const returnedAt = at + random() * 10;
    freeAt[client] = returnedAt;
    planned.push({ client, invokedAt, at, returnedAt, input: anyInput(random) });
  }
  const name = new TrueName(random);
  planned.sort((a, b) => a.at - b.at);
  const history: NameOperation[] = [];
  for (const { client, invokedAt, returnedAt, input } of planned) {
    const asked = { id: history.length, client: `client ${client}`, invokedAt, input };
    // One that is lost on its way there is not done, one that is lost on its way back is.
    const isLost = random() < LOST;
    const output = isLost && random() < 0.5 ? undefined : name.do(input);
    if (isLost || !output) history.push({ ...asked, returnedAt: undefined, output: undefined });
    else history.push({ ...asked, returnedAt, output });
  }
  return history;
}

function anyInput(random: () => number): NameInput {
  const dice = random();
  if (dice < 0.15) return { kind: 'register' };
  return { kind: dice < 0.22 ? 'unregister' : 'add' };
}
