/**
 * What `@OnHandoff('begin')` answers: `resume(state)`, `restart()` or `ignore()`, which alone make one. A class, so that
 * it may stand in decorated signatures.
 *
 * @typeParam S what the worker goes on with elsewhere
 */
export abstract class HandoffDecision<S> {
  protected constructor(protected readonly state: S) {}
}

class Decision<S> extends HandoffDecision<S> {
  constructor(
    readonly kind: 'resume' | 'restart' | 'ignore',
    state: S,
  ) {
    super(state);
  }

  get packed(): S {
    return this.state;
  }
}

/**
 * The worker goes on elsewhere with this state: `@OnHandoff('end')` of the new instance gets a copy of it, before any
 * message.
 *
 * @param state anything that a message may hold, except instances of classes, which would arrive without their methods;
 * at most `maxPayloadBytes` when it is encoded. Otherwise the worker stays where it is, and the error says what is wrong
 */
export function resume<S>(state: S): HandoffDecision<S> {
  return new Decision('resume', state);
}

/**
 * The worker starts elsewhere anew, with its start arguments and in its groups, without state. What a class without
 * `@OnHandoff('begin')` does.
 */
export function restart(): HandoffDecision<never> {
  return new Decision<never>('restart', undefined as never);
}

/**
 * The worker stays where it is until the nodes change again; then it is asked again. If its own node leaves there is
 * nowhere to stay: it ends, and starts elsewhere anew.
 */
export function ignore(): HandoffDecision<never> {
  return new Decision<never>('ignore', undefined as never);
}

/** What a decision comes to; `undefined` for anything that is none. */
export function readDecision(
  decision: unknown,
):
  { readonly kind: 'resume'; readonly state: unknown } | { readonly kind: 'restart' | 'ignore' } | undefined {
  if (!(decision instanceof Decision)) return undefined;
  const { kind, packed } = decision as Decision<unknown>;
  return kind === 'resume' ? { kind, state: packed } : { kind };
}
