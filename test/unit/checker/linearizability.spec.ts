import { describe, expect, it } from 'vitest';
import * as errors from '../../../lib/errors/index.js';
import { seededRandom } from '../../../lib/runtime/virtual.runtime.js';
import { isLinearizableByForce } from '../../support/linearizability/brute-force.checker.js';
import { OUTCOMES, outcomeOf } from '../../support/linearizability/error-outcome.js';
import { checkLinearizability } from '../../support/linearizability/linearizability.checker.js';
import { NameHistory } from '../../support/linearizability/name-history.js';
import { OperationRecorder } from '../../support/linearizability/operation.recorder.js';
import type { Operation } from '../../support/linearizability/operation.interface.js';
import type { SequentialModel } from '../../support/linearizability/sequential-model.interface.js';
import { trueHistory } from '../../support/linearizability/simulated-name.js';
import { VisitedConfigurations } from '../../support/linearizability/visited-configurations.js';
import {
  type NameInput,
  type NameOutput,
  workerNameModel,
} from '../../support/linearizability/worker-name.model.js';

type RegisterInput = { readonly write: number } | 'read';
type QueueInput = { readonly put: number } | 'take';
type NameOperation = Operation<NameInput, NameOutput>;

/** One place that holds a number. A write gives `null`. */
const registerModel: SequentialModel<number, RegisterInput, number | null> = {
  initial: 0,
  step: (value, input, output) => {
    if (input !== 'read') return [input.write];
    return output === undefined || output === value ? [value] : [];
  },
  key: String,
};

/** The same, with all that a model may say to be searched faster. */
const quickRegisterModel: typeof registerModel = {
  ...registerModel,
  kind: (input) => JSON.stringify(input),
  isPure: (input) => input === 'read',
};

/** First in, first out. A put, and a take of an empty queue, give `null`. */
const queueModel: SequentialModel<readonly number[], QueueInput, number | null> = {
  initial: [],
  step: (items, input, output) => {
    if (input !== 'take') return [[...items, input.put]];
    return output === undefined || output === (items[0] ?? null) ? [items.slice(1)] : [];
  },
  key: (items) => items.join(' '),
};

/** In place of the time of an answer that never comes. */
const NEVER = 0;
let lastId = 0;

/** Without an output it was never answered, and `to` says nothing. */
function op<I, O>(from: number, to: number, input: I, output?: O): Operation<I, O> {
  const id = ++lastId;
  const returnedAt = output === undefined ? undefined : to;
  return { id, client: `c${id}`, invokedAt: from, returnedAt, input, output };
}

const write = (from: number, to: number, value: number) =>
  op<RegisterInput, number | null>(from, to, { write: value }, null);
const lostWrite = (from: number, value: number) =>
  op<RegisterInput, number | null>(from, NEVER, { write: value });
const read = (from: number, to: number, value: number) =>
  op<RegisterInput, number | null>(from, to, 'read', value);
const put = (from: number, to: number, value: number) =>
  op<QueueInput, number | null>(from, to, { put: value }, null);
const take = (from: number, to: number, value: number | null) =>
  op<QueueInput, number | null>(from, to, 'take', value);

const named = (kind: NameInput['kind']) => (from: number, to: number, output?: NameOutput['kind']) =>
  op<NameInput, NameOutput>(from, to, { kind }, output && ({ kind: output } as NameOutput));
const register = named('register');
const unregister = named('unregister');
const call = named('add');
const add = (from: number, to: number, fence: number, total: number): NameOperation =>
  op(from, to, { kind: 'add' }, { kind: 'answer', fence, total });
function verdictOf<S, I, O>(history: ReadonlyArray<Operation<I, O>>, model: SequentialModel<S, I, O>) {
  const { verdict } = checkLinearizability(history, model);
  // The order in which operations are listed says nothing.
  expect(checkLinearizability(history.toReversed(), model).verdict).toBe(verdict);
  return verdict;
}

describe('a register', () => {
  it.each([
    ['nothing', []],
    ['reads that follow their writes', [write(0, 1, 1), read(2, 3, 1), write(4, 5, 2), read(6, 7, 2)]],
    ['reads beside a write, the old value first', [write(0, 9, 1), read(1, 2, 0), read(3, 4, 1)]],
    ['an answer in the instant of the next question', [read(0, 5, 1), write(5, 6, 1)]],
    ['a write that takes effect long after it was given up', [lostWrite(0, 1), read(5, 6, 0), read(7, 8, 1)]],
    ['a write that never takes effect', [lostWrite(0, 1), read(5, 6, 0), read(7, 8, 0)]],
  ])('explains %s', (_, history) => {
    expect(verdictOf(history, registerModel)).toBe('linearizable');
  });

  it.each([
    ['a stale read', [write(0, 1, 1), read(2, 3, 0)]],
    ['a lost update', [write(0, 1, 1), write(2, 3, 2), read(4, 5, 1)]],
    ['a value that nobody wrote', [write(0, 1, 1), read(0, 5, 2)]],
    [
      'two readers that see two writes in different orders',
      [write(0, 9, 1), write(0, 9, 2), read(10, 11, 1), read(12, 13, 2)],
    ],
    ['the old value after the new one, beside the write', [write(0, 9, 1), read(1, 2, 1), read(3, 4, 0)]],
    ['a write that takes effect twice', [lostWrite(0, 1), read(1, 2, 1), write(3, 4, 2), read(5, 6, 1)]],
    ['a write that takes effect before it was asked for', [read(0, 1, 1), lostWrite(2, 1)]],
  ])('does not explain %s', (_, history) => {
    expect(verdictOf(history, registerModel)).toBe('violation');
  });
});

describe('a queue', () => {
  it.each([
    [
      'items in the order of their puts',
      [put(0, 1, 1), put(2, 3, 2), take(4, 5, 1), take(6, 7, 2), take(8, 9, null)],
    ],
    [
      'two puts beside each other, in either order',
      [put(0, 5, 1), put(1, 4, 2), take(6, 7, 2), take(8, 9, 1)],
    ],
    ['an empty queue beside a put', [put(0, 5, 1), take(1, 2, null), take(6, 7, 1)]],
  ])('explains %s', (_, history) => {
    expect(verdictOf(history, queueModel)).toBe('linearizable');
  });

  it.each([
    ['items out of order', [put(0, 1, 1), put(2, 3, 2), take(4, 5, 2), take(6, 7, 1)]],
    ['an item taken twice', [put(0, 1, 1), take(2, 5, 1), take(3, 6, 1)]],
    ['a lost item', [put(0, 1, 1), take(2, 3, null)]],
  ])('does not explain %s', (_, history) => {
    expect(verdictOf(history, queueModel)).toBe('violation');
  });
});

describe('the name of a worker', () => {
  it.each<[string, NameOperation[]]>([
    [
      'a life, and another',
      [
        call(0, 1, 'not found'),
        register(2, 3, 'ok'),
        register(4, 5, 'refused'),
        add(6, 7, 3, 1),
        add(8, 9, 3, 2),
        unregister(10, 11, 'ok'),
        unregister(12, 13, 'not found'),
        register(14, 15, 'ok'),
        add(16, 17, 9, 1),
      ],
    ],
    ['of two registrations at a time one', [register(0, 9, 'ok'), register(1, 8, 'refused')]],
    [
      'a call beside the registration, either way',
      [register(0, 9, 'ok'), call(1, 2, 'not found'), add(3, 4, 5, 1), register(5, 6, 'refused')],
    ],
    ['additions whose answers overtake each other', [register(0, 1, 'ok'), add(2, 9, 1, 1), add(3, 4, 1, 2)]],
    [
      'an answer of an older activation that was on its way',
      [register(0, 1, 'ok'), add(2, 9, 1, 1), add(3, 4, 2, 1)],
    ],
    [
      'a move with the state, a crash without, a copy of an hour ago',
      [
        register(0, 1, 'ok'),
        add(2, 3, 1, 1),
        add(4, 5, 2, 2),
        add(6, 7, 3, 1),
        add(8, 9, 3, 2),
        add(10, 11, 4, 4),
      ],
    ],
    [
      'unanswered additions that fill gaps',
      [
        register(0, 1, 'ok'),
        add(2, 3, 1, 1),
        call(4, NEVER),
        call(4, NEVER),
        add(5, 6, 1, 3),
        add(7, 8, 1, 4),
      ],
    ],
    [
      'an unanswered addition before the first answer, in the same activation or not',
      [register(0, 1, 'ok'), call(2, NEVER), add(3, 4, 1, 2), add(5, 6, 2, 1)],
    ],
    [
      'a registration that is not known to have succeeded',
      [register(0, NEVER), call(1, 2, 'not found'), add(3, 4, 1, 1)],
    ],
    [
      'a registration that takes effect after the name has ended',
      [register(0, 1, 'ok'), register(0, NEVER), unregister(2, 3, 'ok'), add(4, 5, 7, 1)],
    ],
    [
      'an unregistration that is not known to have succeeded',
      [register(0, 1, 'ok'), unregister(2, NEVER), add(3, 4, 1, 1), call(5, 6, 'not found')],
    ],
    [
      'operations that surely did nothing, at any time',
      [
        call(0, 1, 'failed'),
        register(2, 3, 'failed'),
        register(4, 5, 'ok'),
        unregister(6, 7, 'failed'),
        add(8, 9, 1, 1),
      ],
    ],
  ])('may show %s', (_, history) => {
    expect(verdictOf(history, workerNameModel)).toBe('linearizable');
  });

  it.each<[string, NameOperation[]]>([
    ['two registrations without an end between', [register(0, 1, 'ok'), register(2, 3, 'ok')]],
    ['two registrations at a time that both succeed', [register(0, 9, 'ok'), register(0, 9, 'ok')]],
    ['a refusal of a free name', [register(0, 1, 'refused'), register(2, 3, 'ok')]],
    ['a worker that is not found after it was registered', [register(0, 1, 'ok'), call(2, 3, 'not found')]],
    ['nothing to end after it was registered', [register(0, 1, 'ok'), unregister(2, 3, 'not found')]],
    ['two ends of one life', [register(0, 1, 'ok'), unregister(2, 9, 'ok'), unregister(2, 9, 'ok')]],
    ['an answer before any registration', [add(0, 1, 1, 1), register(2, 3, 'ok')]],
    [
      'an answer between an end and the next registration',
      [register(0, 1, 'ok'), add(2, 3, 1, 1), unregister(4, 5, 'ok'), add(6, 7, 1, 2), register(8, 9, 'ok')],
    ],
    ['an answer of an older fence after a newer', [register(0, 1, 'ok'), add(2, 3, 7, 1), add(4, 5, 6, 1)]],
    [
      'a fence of an earlier life',
      [register(0, 1, 'ok'), add(2, 3, 7, 1), unregister(4, 5, 'ok'), register(6, 7, 'ok'), add(8, 9, 7, 1)],
    ],
    [
      'the total of an earlier life',
      [register(0, 1, 'ok'), add(2, 3, 7, 1), unregister(4, 5, 'ok'), register(6, 7, 'ok'), add(8, 9, 8, 2)],
    ],
    ['a message that counts twice', [register(0, 1, 'ok'), add(2, 3, 1, 1), add(4, 5, 1, 3)]],
    ['a message that counts twice, and then moves', [register(0, 1, 'ok'), add(2, 3, 1, 1), add(4, 5, 2, 3)]],
    ['a message that is refused and counts', [register(0, 1, 'ok'), call(2, 3, 'failed'), add(4, 5, 1, 2)]],
    [
      'an addition that is lost within an activation',
      [register(0, 1, 'ok'), add(2, 3, 1, 1), add(4, 5, 1, 1)],
    ],
    [
      'an unanswered addition that counts twice',
      [register(0, 1, 'ok'), add(2, 3, 1, 1), call(4, NEVER), add(5, 6, 1, 3), add(7, 8, 1, 5)],
    ],
    [
      'an unanswered addition that counts before it is asked for',
      [register(0, 1, 'ok'), add(2, 3, 1, 2), call(4, NEVER)],
    ],
    [
      'two activations at work in turn',
      [register(0, 1, 'ok'), add(2, 3, 1, 1), add(4, 5, 2, 2), add(6, 7, 1, 2), add(8, 9, 2, 3)],
    ],
    [
      'a name that comes back after its end',
      [register(0, 1, 'ok'), unregister(2, 3, 'ok'), register(4, 5, 'refused')],
    ],
    ['a total of nothing', [register(0, 1, 'ok'), add(2, 3, 1, 0)]],
  ])('may not show %s', (_, history) => {
    expect(verdictOf(history, workerNameModel)).toBe('violation');
  });
});

describe('a violation is told with', () => {
  it('the longest order, the state after it, and what cannot follow', () => {
    const history = [
      op<NameInput, NameOutput>(0, 2.5, { kind: 'register' }, { kind: 'ok' }),
      op<NameInput, NameOutput>(3, 4, { kind: 'add', token: 't1' }, { kind: 'answer', fence: 7, total: 1 }),
      op<NameInput, NameOutput>(4, 0, { kind: 'add', token: 't2' }),
      op<NameInput, NameOutput>(5, 6, { kind: 'add', token: 't3' }, { kind: 'answer', fence: 6, total: 1 }),
      op<NameInput, NameOutput>(5.25, 7, { kind: 'add', token: 't4' }, { kind: 'not found' }),
      op<NameInput, NameOutput>(8, 9, { kind: 'add', token: 't5' }, { kind: 'answer', fence: 7, total: 2 }),
    ].map((one, i) => Object.assign(one, { client: `n${i}` }));
    const result = checkLinearizability(history, workerNameModel);
    expect(result).toMatchObject({ verdict: 'violation', stuck: [history[3], history[4]] });
    if (result.verdict !== 'violation') return;
    expect(result.prefix).toEqual(history.slice(0, 2));
    expect(result.explanation.split('\n')).toEqual([
      `not linearizable (${result.configurations} configurations)`,
      'of 5 answered operations at most 2 have an order:',
      '  0.000 .. 2.500 n0: register -> ok',
      '  3.000 .. 4.000 n1: add t1 -> total 1 of fence 7',
      'then it is present, fence 7, total 1, additions 1, which these cannot follow:',
      '  5.000 .. 6.000 n3: add t3 -> total 1 of fence 6',
      '  5.250 .. 7.000 n4: add t4 -> not found',
    ]);
  });

  it('a few lines, however long the history is', () => {
    const history = Array.from({ length: 3_000 }, (_, i) => write(i, i + 0.5, i));
    const stale = Array.from({ length: 50 }, () => read(3_000, 3_001, 7));
    const result = checkLinearizability([...history, ...stale], registerModel);
    if (result.verdict !== 'violation') return expect.fail(result.verdict);
    expect(result.prefix).toEqual(history);
    const lines = result.explanation.split('\n');
    expect(lines).toHaveLength(29);
    expect(lines[2]).toBe('  … 2988 before');
    expect(lines[15]).toBe('then it is 2999, which these cannot follow:');
    expect(lines[16]).toMatch(/^ {2}3000\.000 \.\. 3001\.000 c\d+: "read" -> 7$/);
    expect(lines[28]).toBe('  … and 38 more');
  });
});

it('an order that is found explains the history', () => {
  const random = seededRandom(11);
  for (let i = 0; i < 50; i++) {
    const history = trueHistory(random, 40, 6);
    const result = checkLinearizability(history, workerNameModel);
    if (result.verdict !== 'linearizable') return expect.fail(result.verdict);
    const { order } = result;
    expect(new Set(order).size).toBe(order.length);
    for (const one of history) if (one.returnedAt !== undefined) expect(order).toContain(one);
    let [state] = [workerNameModel.initial];
    let latest = -Infinity;
    for (const { input, output, invokedAt, returnedAt = Infinity } of order) {
      latest = Math.max(latest, invokedAt);
      expect(returnedAt).toBeGreaterThanOrEqual(latest);
      const [next] = workerNameModel.step(state, input, output);
      state = next ?? expect.fail('no state');
    }
  }
});

describe('agrees with a search by force over small random histories of', () => {
  interface Seen<I, O> {
    readonly input: I;
    readonly output: O;
  }

  function anyHistory<I, O>(
    random: () => number,
    any: () => { input: I; output: O },
  ): Array<Operation<I, O>> {
    return Array.from({ length: 2 + Math.floor(random() * 5) }, () => {
      const { input, output } = any();
      // Few instants, so that many are the same.
      const from = Math.floor(random() * 9);
      return op(from, from + Math.floor(random() * 4), input, random() < 0.2 ? undefined : output);
    });
  }

  function compare<S, I, O>(
    model: SequentialModel<S, I, O>,
    seed: number,
    any: (random: () => number) => Seen<I, O>,
  ): void {
    const random = seededRandom(seed);
    const found = { linearizable: 0, violation: 0, undecided: 0 };
    for (let i = 0; i < 1_500; i++) {
      const history = anyHistory(random, () => any(random));
      const { verdict } = checkLinearizability(history, model);
      found[verdict]++;
      if ((verdict === 'linearizable') !== isLinearizableByForce(history, model)) {
        expect.fail(`seed ${seed}, history ${i} is not ${verdict}: ${JSON.stringify(history)}`);
      }
    }
    expect(found.linearizable).toBeGreaterThan(150);
    expect(found.violation).toBeGreaterThan(150);
    expect(found.undecided).toBe(0);
  }

  const below = (random: () => number, n: number): number => Math.floor(random() * n);

  it.each([
    ['', 1, registerModel],
    [', with hints', 7, quickRegisterModel],
  ])('a register%s', (_, seed, model) => {
    compare<number, RegisterInput, number | null>(model, seed, (random) =>
      random() < 0.5
        ? { input: { write: below(random, 3) }, output: null }
        : { input: 'read', output: below(random, 3) },
    );
  });

  it('a queue', () => {
    compare<readonly number[], QueueInput, number | null>(queueModel, 2, (random) =>
      random() < 0.5
        ? { input: { put: below(random, 2) }, output: null }
        : { input: 'take', output: random() < 0.3 ? null : below(random, 2) },
    );
  });

  it('a model with several states after a step', () => {
    // A dice: a throw may give anything, and a look shows what it gave.
    const dice: SequentialModel<number, 'throw' | 'look', number> = {
      initial: 1,
      step: (face, input, output) => {
        if (input === 'throw') return [1, 2, 3];
        return output === undefined || output === face ? [face] : [];
      },
      key: String,
      kind: (input) => input,
    };
    compare(dice, 3, (random) => ({
      input: random() < 0.25 ? 'throw' : 'look',
      output: 1 + below(random, 3),
    }));
  });

  it('the name of a worker', () => {
    const changes: Record<'register' | 'unregister', Array<NameOutput['kind']>> = {
      register: ['ok', 'ok', 'ok', 'refused', 'failed'],
      unregister: ['ok', 'not found', 'failed'],
    };
    compare(workerNameModel, 4, (random): Seen<NameInput, NameOutput> => {
      const dice = random();
      const kind = dice < 0.35 ? 'register' : dice < 0.5 ? 'unregister' : 'add';
      if (kind === 'add') {
        const answer = {
          kind: 'answer',
          fence: 1 + below(random, 2),
          total: 1 + below(random, 2),
        } as const;
        return { input: { kind }, output: random() < 0.2 ? { kind: 'not found' } : answer };
      }
      const outputs = changes[kind];
      return { input: { kind }, output: { kind: outputs[below(random, outputs.length)]! } as NameOutput };
    });
  });
});

describe('is fast', () => {
  /** Milliseconds of processor time, whatever else the machine does. */
  function costOf(work: () => void): number {
    const before = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1_000;
  }

  it('with 10,000 histories of 30 operations, up to 6 at a time', () => {
    const random = seededRandom(5);
    const histories = Array.from({ length: 10_000 }, () => trueHistory(random, 30, 6));
    const verdicts = new Set<string>();
    const costMs = costOf(() => {
      for (const history of histories) verdicts.add(checkLinearizability(history, workerNameModel).verdict);
    });
    expect(costMs).toBeLessThan(5_000);
    expect([...verdicts]).toEqual(['linearizable']);
  });

  it('with a long history in which many answers are lost', () => {
    const history = trueHistory(seededRandom(8), 2_000, 10);
    expect(history.filter(({ returnedAt }) => returnedAt === undefined).length).toBeGreaterThan(150);
    const { verdict, configurations } = checkLinearizability(history, workerNameModel);
    expect(verdict).toBe('linearizable');
    expect(configurations).toBeLessThan(20 * history.length);
  });

  it('with a long history of a name that is often out of reach', () => {
    const history = [register(0, 1, 'ok')];
    for (let i = 1; i <= 2_000; i++) {
      const at = i * 10;
      history.push(i % 4 === 0 ? call(at, NEVER) : add(at, at + 25, 1, i));
    }
    expect(verdictOf(history, workerNameModel)).toBe('linearizable');
    const lost = [...history, call(30_000, 30_001, 'not found')];
    expect(costOf(() => expect(verdictOf(lost, workerNameModel)).toBe('violation'))).toBeLessThan(5_000);
  });
});

describe('finds what is wrong with a true history in which', () => {
  /** The histories of some seeds, each changed by `spoil`, which gives `undefined` where it finds nothing to change. */
  function spoiled(spoil: (history: NameOperation[]) => NameOperation[] | undefined): string[] {
    const random = seededRandom(6);
    const verdicts: string[] = [];
    while (verdicts.length < 100) {
      // Of one client, so that nothing is excused by what ran beside it.
      const history = spoil(trueHistory(random, 12, 1));
      if (history) verdicts.push(checkLinearizability(history, workerNameModel).verdict);
    }
    return [...new Set(verdicts)];
  }

  function replaceLast(history: NameOperation[], find: (one: NameOperation) => NameOutput | undefined) {
    const at = history.findLastIndex((one) => find(one) !== undefined);
    const one = history[at];
    return one && history.with(at, { ...one, output: find(one) });
  }

  it('an answer has an older fence than one before', () => {
    const older = spoiled((history) => {
      const fences = history.flatMap(({ output }) => (output?.kind === 'answer' ? [output.fence] : []));
      const lowest = Math.min(...fences);
      return replaceLast(history, ({ output }) =>
        output?.kind === 'answer' && output.fence > lowest ? { ...output, fence: lowest - 1 } : undefined,
      );
    });
    expect(older).toEqual(['violation']);
  });

  it('a total is more than all additions', () => {
    const many = spoiled((history) =>
      replaceLast(history, ({ output }) =>
        output?.kind === 'answer' ? { ...output, total: 13 } : undefined,
      ),
    );
    expect(many).toEqual(['violation']);
  });

  it('a worker answers that was not found', () => {
    const ghosts = spoiled((history) => {
      if (history.some(({ returnedAt }) => returnedAt === undefined)) return undefined;
      return replaceLast(history, ({ input, output }) =>
        input.kind === 'add' && output?.kind === 'not found'
          ? { kind: 'answer', fence: 1_000, total: 1 }
          : undefined,
      );
    });
    expect(ghosts).toEqual(['violation']);
  });
});

describe('the search', () => {
  /** Puts that are all under way at once, and a value that nobody has put: every order of every subset is tried. */
  function explosion(puts: number): Array<Operation<QueueInput, number | null>> {
    return [...Array.from({ length: puts }, (_, i) => put(0, 1, i)), take(2, 3, -1)];
  }

  it('is undecided when it has visited as many configurations as it may', () => {
    const result = checkLinearizability(explosion(12), queueModel, 10_000);
    expect(result).toMatchObject({ verdict: 'undecided', configurations: 10_000 });
    if (result.verdict !== 'undecided') return;
    expect(result.prefix).toHaveLength(12);
    expect(result.explanation).toMatch(/^undecided after 10000 configurations: raise the limit, or ask less/);
    expect(result.explanation).toMatch(/which these cannot follow:\n.*: "take" -> -1$/);
  });

  it('decides the same history when it may go on, and visits each configuration once', () => {
    const result = checkLinearizability(explosion(6), queueModel);
    const orders = [6, 30, 120, 360, 720, 720];
    const configurations = orders.reduce((sum, some) => sum + some);
    expect(result).toMatchObject({ verdict: 'violation', configurations });
    expect(checkLinearizability(explosion(6), queueModel, configurations).verdict).toBe('violation');
    expect(checkLinearizability(explosion(6), queueModel, configurations - 1).verdict).toBe('undecided');
  });

  it('tells configurations apart also where much has run beside one operation', () => {
    const pairs = Array.from({ length: 40 }, (_, i) => [10 * i, 10 * i + 1].map((at) => read(at, at + 5, 0)));
    const result = checkLinearizability([read(-1, 1_000, 9), ...pairs.flat()], registerModel);
    expect(result).toMatchObject({ verdict: 'violation', configurations: 3 * 40 });
  });

  it('takes the unanswered of one kind in one order only', () => {
    const unanswered = Array.from({ length: 40 }, () => call(2, NEVER));
    const history = [register(0, 1, 'ok'), ...unanswered, add(3, 4, 1, 42)];
    const result = checkLinearizability(history, workerNameModel);
    expect(result).toMatchObject({ verdict: 'violation', configurations: 41 });
  });

  it('knows a configuration that has only taken more for nothing', () => {
    const visited = new VisitedConfigurations();
    visited.add('a', [2, 0]);
    visited.add('a', [0, 2]);
    const knows = (...taken: number[]) => visited.has('a', taken);
    expect([knows(2, 0), knows(2, 1), knows(0, 3), knows(1, 1), knows(0, 0)]).toEqual([
      true,
      true,
      true,
      false,
      false,
    ]);
    expect(visited.has('b', [2, 0])).toBe(false);
    visited.add('a', [0, 0]);
    expect(knows(0, 1)).toBe(true);
    expect(visited.size).toBe(3);
  });

  it.each([0, -1, 1.5, Infinity, Number.NaN])('refuses %d configurations', (limit) => {
    expect(() => checkLinearizability([], registerModel, limit)).toThrow(RangeError);
  });

  it.each([
    ['ends before it begins', { invokedAt: 5, returnedAt: 4, output: 0 }, 'not below invokedAt 5, not 4'],
    [
      'begins at no time',
      { invokedAt: Number.NaN, returnedAt: 4, output: 0 },
      'invokedAt must be a finite number',
    ],
    [
      'ends at no time',
      { invokedAt: 5, returnedAt: Infinity, output: 0 },
      'returnedAt must be a finite number',
    ],
    ['ends without an output', { invokedAt: 5, returnedAt: 6, output: undefined }, 'give an output'],
    ['has an output and does not end', { invokedAt: 5, returnedAt: undefined, output: 0 }, 'needs the time'],
  ])('refuses an operation that %s', (_, fields, why) => {
    const operation = { id: 17, client: 'a', input: 'read' as const, ...fields };
    const check = () => checkLinearizability([operation], registerModel);
    expect(check).toThrow(RangeError);
    expect(check).toThrow(`operation 17: `);
    expect(check).toThrow(why);
  });
});

describe('a recorder of operations', () => {
  it('checks each object by itself', () => {
    let now = 0;
    const recorder = new OperationRecorder(registerModel, () => now);
    const done = recorder.began('one', 'a', { write: 1 });
    now = 5;
    done(null);
    recorder.began('two', 'a', 'read')(0);
    recorder.began('one', 'b', 'read')(0);
    recorder.began('one', 'c', { write: 3 });
    expect(recorder.size).toBe(4);
    expect(recorder.operationsOf('one').map(({ client, returnedAt }) => [client, returnedAt])).toEqual([
      ['a', 5],
      ['b', expect.closeTo(5, 3)],
      ['c', undefined],
    ]);
    expect(recorder.operationsOf('three')).toEqual([]);
    const [violation, ...others] = recorder.violations();
    expect(others).toEqual([]);
    expect(violation).toMatch(
      /^"one" is not linearizable .*\nof 2 answered operations at most 1 have an order:/,
    );
  });

  it('knows what came first within one instant', () => {
    const inOrder = new OperationRecorder(registerModel, () => 3);
    inOrder.began('x', 'a', { write: 1 })(null);
    inOrder.began('x', 'b', 'read')(0);
    expect(inOrder.violations()).toHaveLength(1);
    const beside = new OperationRecorder(registerModel, () => 3);
    const written = beside.began('x', 'a', { write: 1 });
    beside.began('x', 'b', 'read')(0);
    written(null);
    expect(beside.violations()).toEqual([]);
  });

  it('tells what is undecided', () => {
    const recorder = new OperationRecorder(queueModel, () => 0, 100);
    const puts = Array.from({ length: 9 }, (_, i) => recorder.began('q', 'a', { put: i }));
    for (const done of puts) done(null);
    recorder.began('q', 'a', 'take')(-1);
    recorder.began('q', 'a', 'take')();
    const [violation, ...others] = recorder.violations();
    expect(others).toEqual([]);
    expect(violation).toMatch(/^"q" is undecided after 100 configurations: /);
  });

  it('is told an end once', () => {
    const recorder = new OperationRecorder(queueModel, () => 0);
    const done = recorder.began('q', 'a', 'take');
    done();
    expect(() => done(null)).toThrow('operation 1 of "q" has ended already');
  });
});

describe('the history of names', () => {
  const {
    AlreadyRegisteredError,
    CallTimeoutError,
    MailboxFullError,
    NoNodeAvailableError,
    WorkerNotFoundError,
  } = errors;
  const taken = new AlreadyRegisteredError({ name: 'lamp' });
  const notFound = new WorkerNotFoundError('lamp');
  const late = new CallTimeoutError('the call', 5);
  const full = new MailboxFullError('lamp', 3);
  const noNode = new NoNodeAvailableError('none');

  function recorded(record: (history: NameHistory) => void): string[] {
    let now = 0;
    const history = new NameHistory(() => ++now);
    record(history);
    expect(history.size).toBeGreaterThan(0);
    return history.violations();
  }

  it('is right when each name does as it must', () => {
    const violations = recorded((history) => {
      history.add('lamp', 'a', 't0')(notFound);
      history.register('lamp', 'a')(undefined, {});
      history.register('lamp', 'b')(taken);
      history.add('lamp', 'a', 't1')(undefined, { token: 't1', fence: 3, total: 1 });
      history.add('lamp', 'a')(late);
      history.add('lamp', 'a')(full);
      history.add('lamp', 'a')(noNode);
      history.add('lamp', 'a')(undefined, { fence: 3, total: 3 });
      history.register('other', 'a')(late);
      history.add('other', 'a')(undefined, { fence: 1, total: 1 });
      history.unregister('lamp', 'b')(undefined, true);
      history.unregister('lamp', 'b')(undefined, false);
      history.add('lamp', 'never settles');
    });
    expect(violations).toEqual([]);
  });

  it.each<[string, (history: NameHistory) => void]>([
    ['two registrations', (history) => history.register('lamp', 'b')(undefined, {})],
    ['a worker that is not found', (history) => history.add('lamp', 'b')(notFound)],
    ['a name that is not there to end', (history) => history.unregister('lamp', 'b')(undefined, false)],
    [
      'a refused message that counts',
      (history) => {
        history.add('lamp', 'b')(full);
        history.add('lamp', 'b')(noNode);
        history.add('lamp', 'b')(undefined, { fence: 1, total: 2 });
      },
    ],
  ])('is told of %s', (_, record) => {
    const [violation, ...others] = recorded((history) => {
      history.register('lamp', 'a')(undefined, {});
      record(history);
    });
    expect(others).toEqual([]);
    expect(violation).toMatch(/^P2, P4: "lamp" is not linearizable /);
  });

  it('leaves open what failed with an error that is none of the swarm, or at a registration nobody took', () => {
    for (const error of [new Error('other'), noNode]) {
      const later = (counts: boolean) =>
        recorded((history) => {
          history.register('lamp', 'a')(error);
          if (counts) history.add('lamp', 'a')(undefined, { fence: 1, total: 1 });
          else history.add('lamp', 'a')(notFound);
        });
      expect(later(true)).toEqual([]);
      expect(later(false)).toEqual([]);
    }
  });

  it('may leave absence out of account, and nothing else', () => {
    const withAnswer = (fence: number) => {
      const history = new NameHistory(() => 0, { trustsReplicas: false });
      history.register('lamp', 'a')(undefined, {});
      history.add('lamp', 'a')(undefined, { fence: 5, total: 1 });
      history.add('lamp', 'a')(notFound);
      history.unregister('lamp', 'a')(undefined, false);
      history.add('lamp', 'a')(undefined, { fence, total: 2 });
      return history.violations();
    };
    expect(withAnswer(5)).toEqual([]);
    expect(withAnswer(4)).toHaveLength(1);
  });

  it('may give up', () => {
    const history = new NameHistory(() => 0, { limit: 1 });
    history.register('lamp', 'a')(undefined, {});
    history.register('lamp', 'a')(taken);
    expect(history.violations()).toEqual([
      expect.stringMatching(/^P2, P4: "lamp" is undecided after 1 configurations/),
    ]);
  });

  it('may be told that a name is lost, which it then is once', () => {
    const lost = (times: number) =>
      recorded((history) => {
        history.register('lamp', 'a')(undefined, {});
        for (let i = 0; i < times; i++) history.mayEnd('lamp', 'nobody holds it');
        history.add('lamp', 'a')(notFound);
        history.register('lamp', 'a')(undefined, {});
        history.add('lamp', 'a')(notFound);
      });
    expect(lost(1)).toHaveLength(1);
    expect(lost(2)).toEqual([]);
  });

  it.each([undefined, null, 1, { fence: 1 }, { fence: '1', total: 1 }, { fence: 1, total: 0.5 }])(
    'is told of an answer that has not the form of one: %j',
    (answer) => {
      const violations = recorded((history) => {
        history.register('lamp', 'a')(undefined, {});
        history.add('lamp', 'b')(undefined, answer);
        history.unregister('lamp', 'b')(undefined, answer);
      });
      expect(violations).toEqual([
        `P2, P4: "lamp" answered add of b with ${JSON.stringify(answer)}`,
        `P2, P4: "lamp" answered unregister of b with ${JSON.stringify(answer)}`,
      ]);
    },
  );
});

describe('the table of errors', () => {
  const samples: ReadonlyArray<errors.SwarmError> = [
    new errors.AlreadyRegisteredError({ name: 'n' }),
    new errors.CallTimeoutError('o', 1),
    new errors.InvalidNameError('w', 'r'),
    new errors.LinkOverloadedError('n'),
    new errors.MailboxFullError('n', 1),
    new errors.NoNodeAvailableError('m'),
    new errors.NodeUnavailableError('n'),
    new errors.NotStartedError(),
    new errors.OperationTimeoutError('o', 1),
    new errors.PayloadTooLargeError('w', 2, 1),
    new errors.RemoteError({ name: 'n', message: 'm' }),
    new errors.ShuttingDownError(),
    new errors.SwarmConfigurationError([]),
    new errors.UnknownPatternError('t', 'p'),
    new errors.UnknownWorkerTypeError('t'),
    new errors.UnserializableError('p', 'r'),
    new errors.WorkerNotFoundError('n'),
    new errors.WorkerStartError('n', 'r'),
    new errors.WorkerTypeMismatchError('n', 'e', 'a'),
  ];

  it('has every error that the library exports, and no other', () => {
    const { SwarmError: _, ...exported } = errors;
    const classes = samples.map((error) => error.constructor as unknown);
    expect(new Set(classes)).toEqual(new Set<unknown>(Object.values(exported)));
    expect(Object.keys(OUTCOMES).sort()).toEqual(samples.map(({ code }) => code).sort());
    for (const { code } of samples) expect(outcomeOf(code)).toMatch(/^(in)?definite$/);
  });

  it('leaves open what may have been done', () => {
    const open = samples.filter(({ code }) => outcomeOf(code) === 'indefinite').map(({ name }) => name);
    expect(open).toEqual([
      'CallTimeoutError',
      'LinkOverloadedError',
      'NoNodeAvailableError',
      'NodeUnavailableError',
      'OperationTimeoutError',
      'PayloadTooLargeError',
      'RemoteError',
      'ShuttingDownError',
      'UnknownWorkerTypeError',
      'UnserializableError',
      'WorkerStartError',
    ]);
    const differ = samples.filter(({ code }) => outcomeOf(code, 'call') !== outcomeOf(code, 'change'));
    expect(differ.map(({ code }) => [code, outcomeOf(code, 'call')])).toEqual([
      ['ERR_SWARM_NO_NODE_AVAILABLE', 'definite'],
      ['ERR_SWARM_PAYLOAD_TOO_LARGE', 'indefinite'],
      ['ERR_SWARM_UNSERIALIZABLE', 'indefinite'],
    ]);
  });

  it.each(['ERR_SWARM_NEW', 'toString', ''])('does not guess: "%s"', (code) => {
    expect(() => outcomeOf(code)).toThrow(RangeError);
  });
});
