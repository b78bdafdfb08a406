import { describe, expect, it } from 'vitest';
import { InvalidNameError } from '../../../lib/errors/index.js';
import { assertName, nameFault } from '../../../lib/workers/name-rules.js';

describe('names', () => {
  it.each(['a', 'device/1', 'ümläut 😀', 'x'.repeat(1024), '😀'.repeat(256), '__proto__'])(
    'take %j',
    (name) => {
      expect(nameFault(name)).toBeUndefined();
    },
  );

  it.each([
    '',
    'a\ud800',
    '\udc00b',
    '\ud83d'.repeat(300),
    'a\nb',
    '\u0000',
    '\u009f',
    'x'.repeat(1025),
    'ä'.repeat(513),
    7,
    null,
    undefined,
    {},
    ['a'],
  ])('do not take %j', (name) => {
    expect(nameFault(name)).toBeTypeOf('string');
    expect(() => assertName('the name', name)).toThrow(InvalidNameError);
  });
});
