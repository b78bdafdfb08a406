/** What the benchmark may ask of a process. */
export type Operations = Readonly<Record<string, (...args: never[]) => unknown>>;

/** Runs operations that are asked for over IPC; ends with the process that asks. */
export function serve(up: string, operations: Operations): void {
  process.on('message', ({ id, op, args }: { id: number; op: string; args: never[] }) => {
    const work = async (): Promise<unknown> => {
      const operation = operations[op];
      if (!operation) throw new Error(`there is no operation "${op}"`);
      return operation(...args);
    };
    work().then(
      (value) => process.send?.({ id, value }),
      (error: Error) => process.send?.({ id, error: `${error.name}: ${error.message}` }),
    );
  });
  process.once('disconnect', () => process.exit());
  process.send?.({ up });
}
