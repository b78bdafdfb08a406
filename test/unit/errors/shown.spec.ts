import { describe, expect, it } from 'vitest';
import { shown } from '../../../lib/errors/shown.js';
import { indescribable } from '../../support/indescribable.js';

describe('a value that is not what it must be', () => {
  it.each([
    ['text "quoted"', '"text \\"quoted\\""'],
    ['two\nlines', '"two\\nlines"'],
    [5, '5'],
    [5n, '5'],
    [Number.NaN, 'NaN'],
    [Symbol('s'), 'Symbol(s)'],
    [undefined, 'undefined'],
    [null, 'null'],
    [[1, 2], 'an array'],
    [{ a: 1 }, 'an object'],
    [Object.create(null), 'an object'],
    [/^api/, '/^api/'],
    [function ring() {}, 'the function ring'],
    [() => undefined, 'the function (anonymous)'],
  ])('%o is shown', (value, text) => {
    expect(shown(value)).toBe(text);
  });

  it('is cut where it is long', () => {
    expect(shown('x'.repeat(1_000))).toBe(`"${'x'.repeat(64)}…"`);
    expect(shown(new RegExp('x'.repeat(1_000)))).toBe(`/${'x'.repeat(63)}…`);
  });

  it.each(Object.entries(indescribable()))('is shown without harm when %s cannot be read', (_, value) => {
    expect(typeof shown(value)).toBe('string');
  });

  it('is shown without harm when it is a function whose name cannot be read', () => {
    const nameless = Object.defineProperty(() => undefined, 'name', { get: () => { throw new Error('no'); } }); // prettier-ignore
    expect(shown(nameless)).toBe('something that cannot be described');
  });
});
