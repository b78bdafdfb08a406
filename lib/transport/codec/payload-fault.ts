import { UnserializableError } from '../../errors/index.js';
import { messageOf } from '../../errors/thrown.js';
import type { PayloadRules, RefFactory } from '../payload.interface.js';
import { kindOf, losesItsClass, refusalOf } from './payload-kind.js';
import { isForbiddenKey, MAX_DEPTH } from './payload-tag.js';

/** Ends a fast walk over a value; `explain` then finds out where and why. */
export class PayloadFault extends Error {}

/** The error for a value that a fast walk gave up, with the path of the first thing in it that cannot travel. */
export function explain(
  value: unknown,
  rules: PayloadRules,
  refs: RefFactory,
  thrown: unknown,
): UnserializableError {
  try {
    const fault = new Finder(rules, refs).find(value, rules.root);
    if (fault !== undefined) return fault;
  } catch {
    // A proxy, or a getter that `kindOf` has to read, throws here as it did before: `thrown` says why.
  }
  const reason =
    thrown instanceof Error && !(thrown instanceof PayloadFault) ? thrown.message : 'cannot travel';
  return new UnserializableError(rules.root, reason);
}

/** The slow walk: keeps the path, the ancestors (for cycles) and what was found good (so that sharing costs nothing). */
class Finder {
  private readonly ancestors = new Set<object>();
  private readonly good = new Set<object>();

  constructor(
    private readonly rules: PayloadRules,
    private readonly refs: RefFactory,
  ) {}

  find(value: unknown, path: string): UnserializableError | undefined {
    if (typeof value === 'function') return new UnserializableError(path, 'a function cannot travel');
    if (typeof value === 'symbol') return new UnserializableError(path, 'a symbol cannot travel');
    if (typeof value !== 'object' || value === null || this.good.has(value)) return undefined;
    if (this.ancestors.has(value))
      return new UnserializableError(path, 'refers back to something that it is in');
    if (this.ancestors.size >= MAX_DEPTH)
      return new UnserializableError(path, `is nested more than ${MAX_DEPTH} deep`);
    this.ancestors.add(value);
    const fault = this.inside(value, path);
    this.ancestors.delete(value);
    this.good.add(value);
    return fault;
  }

  private inside(value: object, path: string): UnserializableError | undefined {
    const kind = kindOf(value, this.refs);
    if (kind === 'refused') return new UnserializableError(path, refusalOf(value) ?? 'cannot travel');
    if (this.rules.instances === 'refuse' && losesItsClass(value, kind)) {
      const type = (value.constructor as { name?: unknown } | undefined)?.name;
      return new UnserializableError(
        path,
        `is an instance of ${typeof type === 'string' && type !== '' ? type : 'a class'} and would lose its methods: use a plain object`,
      );
    }
    switch (kind) {
      case 'array':
        return first((value as unknown[]).keys(), (index) =>
          this.find((value as unknown[])[index], `${path}[${index}]`),
        );
      case 'map':
        return this.inMap(value as Map<unknown, unknown>, path);
      case 'set':
        return first([...(value as Set<unknown>)].entries(), ([index, item]) =>
          this.find(item, `${path}.values()[${index}]`),
        );
      case 'plain':
      case 'instance':
        return first(Object.keys(value), (key) => this.inField(value as Record<string, unknown>, key, path));
      default:
        return undefined;
    }
  }

  private inMap(map: Map<unknown, unknown>, path: string): UnserializableError | undefined {
    return first([...map].entries(), ([index, [key, item]]) => {
      const shown =
        typeof key === 'string' ? JSON.stringify(key) : isPrimitive(key) ? String(key) : `key ${index}`;
      return this.find(key, `${path}.keys()[${index}]`) ?? this.find(item, `${path}(${shown})`);
    });
  }

  private inField(
    value: Record<string, unknown>,
    key: string,
    path: string,
  ): UnserializableError | undefined {
    const below = /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(key)
      ? `${path}.${key}`
      : `${path}[${JSON.stringify(key)}]`;
    if (isForbiddenKey(key)) return new UnserializableError(below, 'a field of this name cannot travel');
    let item: unknown;
    try {
      item = value[key];
    } catch (error) {
      return new UnserializableError(below, `its getter threw: ${messageOf(error)}`);
    }
    return this.find(item, below);
  }
}

function isPrimitive(value: unknown): value is string | number | bigint | boolean | null | undefined {
  return (
    value === null || (typeof value !== 'object' && typeof value !== 'function' && typeof value !== 'symbol')
  );
}

function first<T>(
  items: Iterable<T>,
  find: (item: T) => UnserializableError | undefined,
): UnserializableError | undefined {
  for (const item of items) {
    const fault = find(item);
    if (fault !== undefined) return fault;
  }
  return undefined;
}
