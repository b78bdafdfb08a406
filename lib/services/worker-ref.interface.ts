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
  /**
   * Id of the node that hosts the worker, read from the local copy of the registry at access; `undefined` when the name is
   * gone.
   */
  readonly node: string | undefined;
  /** Rises with every activation of the name; read at access as `node` is. */
  readonly fence: number | undefined;
  readonly [workerType]?: () => W;

  /**
   * Sends a message and waits for the answer. What is sent is copied, also to a worker of this node.
   *
   * @param pattern the handler's pattern or method name
   * @param message the data, and `{ timeoutMs }`
   * @throws RemoteError the handler threw
   * @throws CallTimeoutError, NodeUnavailableError the message may or may not have been handled
   * @throws WorkerNotFoundError, UnknownPatternError there is no such worker, or no such handler
   * @throws NoNodeAvailableError the worker waits for a node that may host it, as below a quorum
   * @throws MailboxFullError, LinkOverloadedError too much waits already; this message was not sent
   * @throws PayloadTooLargeError, UnserializableError the message, or the answer, cannot travel
   * @throws InvalidNameError, RangeError, NotStartedError, ShuttingDownError as all of `SwarmRegistry`
   */
  call<K extends HandlerOf<W>>(
    pattern: K,
    ...message: [...MessageArgs<W, K>, options?: CallOptions]
  ): Promise<Answer<W, K>>;

  /**
   * Sends a message and does not wait. Throws what the sender knows at once; what is lost later is a `message-dropped`
   * event.
   *
   * @throws WorkerNotFoundError there is no such worker
   * @throws NoNodeAvailableError the worker waits for a node that may host it, as below a quorum
   * @throws MailboxFullError, LinkOverloadedError too much waits already; this message was not sent
   * @throws PayloadTooLargeError, UnserializableError the message cannot travel
   * @throws NodeUnavailableError the worker has just ended on this node; or the sender is a worker that may have no effect
   * @throws InvalidNameError, NotStartedError, ShuttingDownError as all of `SwarmRegistry`
   */
  cast<K extends HandlerOf<W>>(pattern: K, ...message: MessageArgs<W, K>): void;

  /** What a controller answers that returns a ref. */
  toJSON(): { name: string; node: string | undefined; type: string; fence: number | undefined };
}
