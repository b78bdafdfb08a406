/** Smaller tables are made anew in less than is looked for. */
const LARGE = 8_192;
/** An entry takes a thousandth of it, unless the table is made anew for it. */
const MIN_MS = 0.25;

const { set, delete: deleteKey } = Map.prototype;
const { add, delete: deleteValue } = Set.prototype;

/**
 * When the engine has made the table of a large `Map` or `Set` anew, in milliseconds as of `performance.now()`: all of it
 * within the one call that finds it full, or nearly empty. Known by calls that took so long; what they do besides is to put
 * one entry in, or to take one out.
 */
export class Tables {
  readonly pauses: Array<{ readonly from: number; readonly to: number }> = [];

  begin(): void {
    const { pauses } = this;
    function measured<Call extends (...args: never[]) => unknown>(call: Call): Call {
      return function (this: { readonly size: number }, ...args: never[]) {
        if (this.size < LARGE) return call.apply(this, args);
        const from = performance.now();
        const result = call.apply(this, args);
        const to = performance.now();
        if (to - from >= MIN_MS) pauses.push({ from, to });
        return result;
      } as unknown as Call;
    }
    Object.assign(Map.prototype, { set: measured(set), delete: measured(deleteKey) });
    Object.assign(Set.prototype, { add: measured(add), delete: measured(deleteValue) });
  }

  end(): void {
    Object.assign(Map.prototype, { set, delete: deleteKey });
    Object.assign(Set.prototype, { add, delete: deleteValue });
  }
}
