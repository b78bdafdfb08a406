import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import * as errors from '../../../lib/errors/index.js';
import { fromWireError, toWireError } from '../../../lib/messaging/wire-error.js';
import { FrameDecoder, FrameEncoder } from '../../../lib/transport/codec/frame.codec.js';
import { FrameKind } from '../../../lib/transport/frame.js';
import type { RefFactory } from '../../../lib/transport/payload.interface.js';
import { indescribable } from '../../support/indescribable.js';

const refs: RefFactory = { describe: () => undefined, make: (name, type) => ({ name, type }) };

/** As another node sees it: through bytes. */
function sent(error: errors.SwarmError): errors.SwarmError {
  const { head, tail } = new FrameEncoder().encode({
    kind: FrameKind.Answer,
    id: 1,
    body: new Uint8Array(0),
    error: toWireError(error),
  });
  const bytes = Buffer.concat([head, tail ?? new Uint8Array(0)]);
  const frame = new FrameDecoder().decode(FrameKind.Answer, bytes);
  if (frame.kind !== FrameKind.Answer || !frame.error) throw new Error('the error is lost');
  return fromWireError(frame.error, refs);
}

const remote = { name: 'Teapot', message: 'short and stout', statusCode: 418, payload: { spout: true } };

const EXAMPLES: readonly errors.SwarmError[] = [
  new errors.AlreadyRegisteredError({ name: 'lamp', type: 'Device' } as { name: string }),
  new errors.CallTimeoutError('the call "x" to "lamp"', 250, 'it waits for itself: a -> b -> a'),
  new errors.LinkOverloadedError('a@h:1'),
  new errors.MailboxFullError('lamp', 10),
  new errors.NoNodeAvailableError('no node may host "lamp" now'),
  new errors.NodeUnavailableError('a@h:1', 'it is silent'),
  new errors.OperationTimeoutError('the registration of "lamp"', 1_000),
  new errors.PayloadTooLargeError('data', 20, 10),
  new errors.RemoteError(remote),
  new errors.ShuttingDownError(),
  new errors.UnknownPatternError('Device', 'blink', 'it is an event handler'),
  new errors.UnknownWorkerTypeError('Device'),
  new errors.UnserializableError('data.items[3]', 'a function'),
  new errors.WorkerNotFoundError('lamp'),
  new errors.WorkerStartError('lamp', 'no power', { cause: new TypeError('no power') }),
  new errors.WorkerTypeMismatchError('lamp', 'Device', 'Sensor'),
];

describe('an error of the swarm that comes from another node', () => {
  for (const error of EXAMPLES) {
    it(`is a ${error.name} there too, with the same message, code and status`, () => {
      const received = sent(error);
      expect(received).toBeInstanceOf(error.constructor);
      const { name, message, code, status, statusCode, expose } = error;
      expect(received).toMatchObject({ name, message, code, status, statusCode, expose });
    });
  }

  it('has every class an example here, but those that never leave their node', () => {
    const local = new Set(['SwarmError', 'InvalidNameError', 'NotStartedError', 'SwarmConfigurationError']);
    const classes = Object.keys(errors).filter((name) => !local.has(name));
    expect(EXAMPLES.map(({ name }) => name).sort()).toEqual(classes.sort());
  });

  it('keeps what its class tells besides', () => {
    const [received, large] = [sent(EXAMPLES[0]!), sent(new errors.PayloadTooLargeError('data', 20, 10))];
    expect((received as errors.AlreadyRegisteredError).ref).toEqual({ name: 'lamp', type: 'Device' });
    expect(large).toMatchObject({ what: 'data', bytes: 20, maxBytes: 10 });
    expect((sent(new errors.RemoteError(remote)) as errors.RemoteError).remote).toEqual(remote);
    const start = sent(new errors.WorkerStartError('lamp', 'x', { cause: new TypeError('no power') }));
    expect(start).toMatchObject({ workerName: 'lamp' });
    expect(start.cause).toMatchObject({ remote: { name: 'TypeError', message: 'no power' } });
  });

  it('may have anything for a cause', () => {
    const hostile = Object.values(indescribable());
    for (const cause of [undefined, null, 'text', 7, Symbol('s'), ...hostile, { a: 1 }]) {
      expect(sent(new errors.WorkerStartError('lamp', 'x', { cause })).message).toContain('lamp');
    }
  });

  it('calls a cause what it is also where that is an error of another realm, or has the name of its class only', () => {
    class BulbError extends Error {}
    const causes = [new BulbError('burnt'), runInNewContext("new TypeError('burnt')") as unknown];
    const remotes = causes.map((cause) => sent(new errors.WorkerStartError('lamp', 'x', { cause })).cause);
    expect(remotes).toMatchObject([
      { remote: { name: 'BulbError', message: 'burnt' } },
      { remote: { name: 'TypeError', message: 'burnt' } },
    ]);
  });

  it('is a RemoteError when its class is not known here', () => {
    const error = fromWireError({ code: 'ERR_SWARM_OF_TOMORROW', message: 'new' }, refs);
    expect(error).toBeInstanceOf(errors.RemoteError);
    expect(error).toMatchObject({ message: 'new', remote: { name: 'ERR_SWARM_OF_TOMORROW' } });
  });

  it('is made again also when its details did not travel', () => {
    for (const { code, message } of EXAMPLES) {
      const error = fromWireError({ code, message }, refs);
      expect(error).toMatchObject({ code, message });
    }
  });
});
