import { describe, expect, it } from 'vitest';
import { messageOf, soundThrown, stackOf } from '../../../lib/errors/thrown.js';
import { indescribable } from '../../support/indescribable.js';

describe('what code of the user threw', () => {
  it('is told in words', () => {
    const error = new TypeError('no');
    expect(messageOf(error)).toBe('no');
    expect(stackOf(error)).toBe(error.stack);
    for (const thrown of ['text', null, undefined, 5]) expect(messageOf(thrown)).toBe(String(thrown));
  });

  it('is handed on as it is if it can be looked at', () => {
    for (const thrown of [new Error('no'), 'text', null, {}]) expect(soundThrown(thrown)).toBe(thrown);
  });

  it.each(Object.entries(indescribable()))('is told of without harm when %s cannot be read', (_, thrown) => {
    expect(typeof messageOf(thrown)).toBe('string');
    expect(typeof stackOf(thrown)).toBe('string');
    const sound = soundThrown(thrown);
    expect(() => sound instanceof Error && `${sound.name} ${sound.message} ${sound.stack}`).not.toThrow();
  });
});
