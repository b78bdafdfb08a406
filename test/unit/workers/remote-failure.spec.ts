import { runInNewContext } from 'node:vm';
import { NotFoundException } from '@nestjs/common';
import { RpcException } from '@nestjs/microservices';
import { describe, expect, it } from 'vitest';
import { WorkerNotFoundError } from '../../../lib/errors/index.js';
import { toRemoteFailure } from '../../../lib/workers/remote-failure.js';

describe('what a handler threw', () => {
  it('an error, with its code', () => {
    expect(toRemoteFailure(Object.assign(new TypeError('no'), { code: 'E_NO' }), false)).toEqual({
      name: 'TypeError',
      message: 'no',
      code: 'E_NO',
    });
    class OutOfPaper extends Error {}
    expect(toRemoteFailure(new OutOfPaper('a4'), false)).toEqual({ name: 'OutOfPaper', message: 'a4' });
    expect(toRemoteFailure(new WorkerNotFoundError('x'), false)).toMatchObject({
      code: 'ERR_SWARM_WORKER_NOT_FOUND',
    });
  });

  it('an RpcException and an HttpException, with what they were given', () => {
    expect(toRemoteFailure(new RpcException('no'), false)).toEqual({
      name: 'RpcException',
      message: 'no',
      payload: 'no',
    });
    expect(toRemoteFailure(new RpcException({ a: 1 }), false)).toMatchObject({ payload: { a: 1 } });
    expect(toRemoteFailure(new NotFoundException('gone'), false)).toEqual({
      name: 'NotFoundException',
      message: 'gone',
      statusCode: 404,
      payload: { message: 'gone', error: 'Not Found', statusCode: 404 },
    });
  });

  it('an error of another realm', () => {
    const failure = toRemoteFailure(runInNewContext('new RangeError("far")'), false);
    expect(failure).toEqual({ name: 'RangeError', message: 'far' });
  });

  it('with its stack only if asked for', () => {
    expect(toRemoteFailure(new Error('no'), false)).not.toHaveProperty('stack');
    expect(toRemoteFailure(new Error('no'), true).stack).toContain('remote-failure.spec');
  });

  it('primitives and objects', () => {
    expect(toRemoteFailure('no', false)).toEqual({ name: 'Error', message: 'no', payload: 'no' });
    expect(toRemoteFailure(undefined, false)).toEqual({
      name: 'Error',
      message: 'undefined',
      payload: undefined,
    });
    expect(toRemoteFailure({ message: 'm', code: 1 }, false)).toMatchObject({
      name: 'Object',
      message: 'm',
      code: 1,
    });
    expect(toRemoteFailure({ a: 1 }, false).message).toBe('{"a":1}');
    const cycle: Record<string, unknown> = {};
    cycle['self'] = cycle;
    expect(toRemoteFailure(cycle, false).message).toBe('[object Object]');
  });

  it('things that throw when they are looked at', () => {
    const hostile = new Proxy({}, { get: () => { throw new Error('do not touch'); } }); // prettier-ignore
    expect(toRemoteFailure(hostile, true).name).toBe('Error');
    const error = Object.assign(new Error('x'), { getError() { throw new Error('y'); } }); // prettier-ignore
    expect(toRemoteFailure(error, true).name).toBe('Error');
  });
});
