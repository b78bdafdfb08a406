/** How a value that is about to be sent is treated. */
export interface PayloadRules {
  /** How the value is called in the path of an error: `data` in `data.items[3].done`. */
  readonly root: string;
  /** `flatten`: an instance of a class becomes a plain object of its own fields; `refuse`: it is an error. */
  readonly instances: 'flatten' | 'refuse';
  /** Most bytes that the encoded value may have. */
  readonly maxBytes: number;
}

/**
 * Values that users send, to bytes and back. JSON types, `undefined`, `Date`, `Map`, `Set`, `Buffer`, typed arrays,
 * `bigint`, `Error` and worker refs keep their kind; everything else is refused with its path.
 */
export interface PayloadCodec {
  /**
   * @param isForOne the bytes are sent to one node, once, and not read afterwards: the transport may use their memory again
   * @throws UnserializableError, PayloadTooLargeError
   */
  encode(value: unknown, rules: PayloadRules, isForOne?: boolean): Uint8Array;
  /**
   * @param isOwn nobody else reads the bytes: a large Buffer among them is not copied
   * @throws UnserializableError for bytes that are no payload
   */
  decode(bytes: Uint8Array, isOwn?: boolean): unknown;
  /**
   * What the receiver of `encode(value)` would see, without bytes: shares no mutable object with `value`.
   * @throws UnserializableError
   */
  copy(value: unknown, rules: PayloadRules): unknown;
}

/** How worker refs are recognised in a payload and made again on the receiving node. */
export interface RefFactory {
  /** The name and type of a worker ref, `undefined` for any other object. */
  describe(value: object): { readonly name: string; readonly type: string } | undefined;
  make(name: string, type: string): object;
}
