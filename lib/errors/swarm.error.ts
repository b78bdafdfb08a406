/**
 * Base of every error that the swarm throws on purpose. `code` is stable and made for programs; `message` is for
 * people and may change. `status`, `statusCode` and `expose` make Nest's HTTP layer answer an uncaught one with that
 * status and, if `expose`, with its message.
 */
export abstract class SwarmError extends Error {
  abstract readonly code: string;
  readonly status: number;
  readonly statusCode: number;
  readonly expose: boolean;

  protected constructor(message: string, status: number, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.status = status;
    this.statusCode = status;
    this.expose = status < 500 || status === 503 || status === 504;
  }
}
