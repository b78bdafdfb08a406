/** How an object behaves that is asked for one thing at a time. States are never changed, only replaced. */
export interface SequentialModel<State, Input, Output> {
  readonly initial: State;
  /**
   * The states in which the object may be when it was asked for `input` in `state` and gave `output`; none: it never gives
   * that output there. Without an `output` nobody has seen what it gave: the states after any effect that it may have had.
   * That it had none needs no state, as such an operation may as well be left out.
   */
  step(state: State, input: Input, output: Output | undefined): readonly State[];
  /** The same for two states only if they behave the same from then on. Also what people are shown of a state. */
  key(state: State): string;
  /**
   * Whether giving that output never changes the state, whatever it is. Such an operation is put in its place as soon as
   * it can be; without it all others are tried before it, too.
   */
  isPure?(input: Input, output: Output): boolean;
  /**
   * Whether the object can never give that output any more, whatever it is asked for from `state` on. Says so only when
   * that is certain; without it all that could come next is tried in vain.
   */
  isOver?(state: State, input: Input, output: Output): boolean;
  /**
   * The same for two inputs only if `step` treats them alike in every state. Operations of one kind that were never
   * answered are interchangeable, so that a hundred of them make a hundred cases and not 2^100. Without it none are.
   */
  kind?(input: Input): string;
  /** For people; without it as JSON. */
  describe?(input: Input, output: Output | undefined): string;
}
