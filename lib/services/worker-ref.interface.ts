import type { Answer, CallOptions, HandlerOf, MessageArgs } from './message-types.js';

declare const workerType: unique symbol;

/**
 * Reaches the worker that holds a name, wherever it runs. A ref is a name: it stays valid when the worker moves or is
 * started again, and may be sent to other workers, where it arrives as a ref.
 *
 * @typeParam W class of the worker; `unknown` where it is not known, then patterns are any strings
 */
export interface WorkerRef<W = unknown> {
  readonly name: string;
  /** The worker type that the name was registered with when the ref was made. */
  readonly type: string;
  /** Id of the node that hosts the worker, read from the local replica at access; `undefined` when the name is gone. */
  readonly node: string | undefined;
  /** Rises with every activation of the name; read at access as `node` is. */
  readonly fence: number | undefined;
  readonly [workerType]?: () => W;

  /**
   * Sends a message and waits for the answer. What is sent is copied, also to a worker of this node.
   *
   * @param pattern the handler's pattern or method name
   * @param message the data, and `{ timeoutMs }`
   * @throws WorkerNotFoundError, UnknownPatternError, RemoteError (the handler threw), CallTimeoutError,
   *   NodeUnavailableError, MailboxFullError, LinkOverloadedError, PayloadTooLargeError, UnserializableError,
   *   InvalidNameError, NotStartedError, ShuttingDownError
   */
  call<K extends HandlerOf<W>>(
    pattern: K,
    ...message: [...MessageArgs<W, K>, options?: CallOptions]
  ): Promise<Answer<W, K>>;

  /**
   * Sends a message and does not wait. Throws what the sender can know at once; what is lost later is a
   * `message-dropped` event.
   *
   * @throws WorkerNotFoundError, LinkOverloadedError, PayloadTooLargeError, UnserializableError, InvalidNameError,
   *   NodeUnavailableError (it comes from a worker that may have no effect any more), NotStartedError, ShuttingDownError
   */
  cast<K extends HandlerOf<W>>(pattern: K, ...message: MessageArgs<W, K>): void;

  /** So that a controller may return refs. */
  toJSON(): { name: string; node: string | undefined; type: string; fence: number | undefined };
}
