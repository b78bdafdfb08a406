/** What one client asked of one object, and what came of it. */
export interface Operation<Input, Output> {
  /** Unique in its history. */
  readonly id: number;
  /** Who asked, for people. */
  readonly client: string;
  /** When it was asked, on a clock that all operations of the history share. Any unit; explanations show it as ms. */
  readonly invokedAt: number;
  /**
   * When its answer was there. `undefined`: it was never answered, or with an error that says nothing of its effect. Then
   * it may have taken effect at any time after it was asked, or never.
   */
  readonly returnedAt: number | undefined;
  readonly input: Input;
  /** `undefined` if, and only if, it was never answered. */
  readonly output: Output | undefined;
}
