// What happens to a simulated swarm, as data: a list of steps that a seed determines, and that fast-check makes smaller
// when it breaks a promise, until nothing can be left out.
import * as fc from 'fast-check';
import type { Arbitrary, Random, Stream, Value } from 'fast-check';

/** One thing that happens. */
export interface Step<Kind extends string = string> {
  readonly kind: Kind;
  /** Seed of all that is chosen within the step: which node, which name, how long. */
  readonly choice: number;
  /** Virtual time until the next step, in milliseconds. */
  readonly pauseMs: number;
}

/** A whole history before it has happened. */
export interface Plan<Kind extends string = string> {
  /** Seed of what nobody asks for: how long frames travel, whose timer is first. */
  readonly seed: number;
  /** How many nodes are started at first. */
  readonly nodes: number;
  /** How many names there are: few make operations meet each other, many spread them. */
  readonly names: number;
  readonly steps: ReadonlyArray<Step<Kind>>;
}

/** Kinds of steps, and how often each happens relative to the others. */
export type Weights<Kind extends string> = Readonly<Record<Kind, number>>;

export interface PlanShape<Kind extends string> {
  readonly weights: Weights<Kind>;
  readonly nodes: readonly number[];
  readonly names: readonly number[];
  readonly longestPauseMs: number;
}

const FEWEST_STEPS = 50;
const MOST_STEPS = 60;

/** Plans of 50 to 60 steps, which may become any shorter ones. */
export function plans<Kind extends string>(shape: PlanShape<Kind>): Arbitrary<Plan<Kind>> {
  const { weights, nodes, names, longestPauseMs } = shape;
  const step: Arbitrary<Step<Kind>> = fc.record({
    kind: kinds(weights),
    choice: fc.noShrink(fc.noBias(fc.nat())),
    pauseMs: fc.oneof(
      { weight: 3, arbitrary: fc.constant(0) },
      { weight: 7, arbitrary: fc.noBias(fc.nat(longestPauseMs)) },
    ),
  });
  return fc.record({
    seed: fc.noShrink(fc.noBias(fc.nat())),
    nodes: fc.constantFrom(...nodes),
    names: fc.constantFrom(...names),
    steps: new ShrinkingList(
      fc.array(step, { minLength: FEWEST_STEPS, maxLength: MOST_STEPS, size: 'max' }),
      fc.array(step, { maxLength: MOST_STEPS, size: 'max' }),
    ),
  });
}

function kinds<Kind extends string>(weights: Weights<Kind>): Arbitrary<Kind> {
  const entries = Object.entries<number>(weights) as Array<[Kind, number]>;
  return fc.oneof(...entries.map(([kind, weight]) => ({ weight, arbitrary: fc.constant(kind) })));
}

/** Generates by one arbitrary, and shrinks by another that allows for less. */
class ShrinkingList<T> extends fc.Arbitrary<T[]> {
  constructor(
    private readonly generated: Arbitrary<T[]>,
    private readonly shrunk: Arbitrary<T[]>,
  ) {
    super();
  }

  generate(random: Random, bias: number | undefined): Value<T[]> {
    return this.generated.generate(random, bias);
  }

  canShrinkWithoutContext(value: unknown): value is T[] {
    return this.shrunk.canShrinkWithoutContext(value);
  }

  /** A list that was generated has a context of the other arbitrary. */
  shrink(value: T[], context: unknown): Stream<Value<T[]>> {
    const own = context instanceof OwnContext ? context.inner : undefined;
    return this.shrunk
      .shrink(value, own)
      .map((smaller) => new fc.Value(smaller.value_, new OwnContext(smaller.context)));
  }
}

class OwnContext {
  constructor(readonly inner: unknown) {}
}
