/** Bytes from a peer that are no frame. Internal: the link is closed with the message, users never see it. */
export class MalformedFrameError extends Error {
  constructor(
    readonly frame: string,
    readonly field: string,
    readonly reason: string,
  ) {
    super(`${frame}.${field}: ${reason}`);
    this.name = 'MalformedFrameError';
  }
}
