import { AlreadyRegisteredError, SwarmError } from 'nestjs-swarm';

/** What the test's process may ask for, by name. */
export type Operations = Readonly<Record<string, (...args: never[]) => unknown>>;

/** Answers what the test's process asks over IPC, and tells it that the node is up. */
export function serve(operations: Operations, node: string): void {
  process.on('message', ({ id, op, args }: { id: number; op: string; args: never[] }) => {
    const work = async (): Promise<unknown> => {
      const operation = operations[op];
      if (!operation) throw new Error(`the application has no operation "${op}"`);
      return operation(...args);
    };
    work().then(
      (value) => process.send?.({ id, value }),
      (error: Error) => {
        const code = error instanceof SwarmError ? error.code : undefined;
        const ref = error instanceof AlreadyRegisteredError ? error.ref : undefined;
        process.send?.({ id, error: { name: error.name, message: error.message, code, ref } });
      },
    );
  });
  process.send?.({ up: node });
}
