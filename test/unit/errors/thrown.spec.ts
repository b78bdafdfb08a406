import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { messageOf, namedMessageOf, soundThrown, stackOf } from '../../../lib/errors/thrown.js';
import { indescribable } from '../../support/indescribable.js';

describe('what code of the user threw', () => {
  it('is told in words', () => {
    const error = new TypeError('no');
    expect(messageOf(error)).toBe('no');
    expect(stackOf(error)).toBe(error.stack);
    for (const thrown of ['text', null, undefined, 5, 5n, Symbol('s')])
      expect(messageOf(thrown)).toBe(String(thrown));
  });

  it('is an error of another realm as well', () => {
    const error: unknown = runInNewContext('new RangeError("far")');
    expect([messageOf(error), namedMessageOf(error)]).toEqual(['far', 'RangeError: far']);
    expect(stackOf(error)).toContain('evalmachine');
    expect(soundThrown(error)).toBe(error);
  });

  it('is told by what it has if it is an error without a message', () => {
    const refused = Object.assign(new AggregateError([]), { code: 'ECONNREFUSED' });
    class OutOfPaper extends Error {}
    expect([new RangeError(), refused, new OutOfPaper()].map(messageOf)).toEqual([
      'RangeError',
      'ECONNREFUSED',
      'OutOfPaper',
    ]);
    expect(stackOf(Object.assign(new Error('no'), { stack: undefined }))).toBe('no');
  });

  it('is told by its message or its content if it is an object of another kind', () => {
    expect(messageOf({ message: 'm', code: 1 })).toBe('m');
    expect(messageOf({ a: 1 })).toBe('{"a":1}');
    expect(messageOf(Object.create(null))).toBe('{}');
    const cycle: Record<string, unknown> = {};
    cycle['self'] = cycle;
    expect(messageOf(cycle)).toBe('[object Object]');
    expect(messageOf({ big: 5n })).toBe('[object Object]');
    expect(messageOf(() => undefined)).toBe('[object Function]');
  });

  it('is told with its name where it stands after "threw"', () => {
    expect([new TypeError('no'), new Error('no'), 'no', { a: 1 }, undefined].map(namedMessageOf)).toEqual([
      'TypeError: no',
      'Error: no',
      '"no"',
      '{"a":1}',
      'undefined',
    ]);
  });

  it('is told in few words however long it is', () => {
    const long = 'x'.repeat(1_000_000);
    const texts = [long, new Error(long), { message: long }];
    for (const tell of [messageOf, namedMessageOf])
      for (const thrown of texts) expect(tell(thrown).length).toBeLessThan(4_100);
    for (const thrown of texts) expect(stackOf(thrown).length).toBeLessThan(16_100);
    for (const thrown of [{ long }, { many: Array.from({ length: 100 }, () => long) }])
      expect(messageOf(thrown)).toMatch(/^\{"(long|many)":.{190,}…$/);
    // It would take longer than anybody waits for a message.
    expect(messageOf(Array.from({ length: 1_000_000 }))).toBe('[object Array]');
  });

  it('is told without half a character', () => {
    const text = messageOf(`x${'🐝'.repeat(10_000)}`);
    expect(text).toMatch(/🐝…$/u);
    expect(Buffer.from(text).toString()).toBe(text);
  });

  it('is handed on as it is if it can be looked at', () => {
    for (const thrown of [new Error('no'), 'text', null, {}]) expect(soundThrown(thrown)).toBe(thrown);
  });

  it.each(Object.entries(indescribable()))('is told of without harm when %s cannot be read', (_, thrown) => {
    for (const tell of [messageOf, namedMessageOf, stackOf]) expect(typeof tell(thrown)).toBe('string');
    const sound = soundThrown(thrown);
    expect(() => sound instanceof Error && `${sound.name} ${sound.message} ${sound.stack}`).not.toThrow();
  });
});
