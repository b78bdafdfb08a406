import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const LIB = fileURLToPath(new URL('../../lib', import.meta.url));

/** The folders from top to bottom: each may import only from those below it. */
const LAYERS = [
  'testing',
  'services',
  'node',
  'handoff',
  'registration',
  'messaging',
  'decorators',
  'workers',
  'tracker',
  'distribution',
  'cluster',
  'discovery',
  'transport',
  'events',
  'runtime',
  'errors',
];
/** No Nest, no sockets, no time of its own: the same code runs in production and in the simulation. */
const KERNEL = new Set([
  'node',
  'handoff',
  'registration',
  'messaging',
  'tracker',
  'distribution',
  'cluster',
]);

interface Source {
  readonly path: string;
  readonly layer: string;
  readonly text: string;
}

const sources: Source[] = readdirSync(LIB, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts') && path.includes(sep))
  .map((path) => ({ path, layer: path.split(sep)[0] ?? '', text: readFileSync(join(LIB, path), 'utf8') }));

function importsOf({ path, text }: Source): string[] {
  return [...text.matchAll(/from '(\.[^']+)'/g)].map(([, target]) =>
    relative(LIB, join(LIB, dirname(path), target ?? '')),
  );
}

describe('the folders of lib', () => {
  it('are all known', () => {
    expect(
      [...new Set(sources.map(({ layer }) => layer))].filter((layer) => !LAYERS.includes(layer)),
    ).toEqual([]);
  });

  it('import only from those below them', () => {
    const upward = sources.flatMap((source) =>
      importsOf(source)
        .filter((target) => target.includes(sep))
        .filter((target) => LAYERS.indexOf(target.split(sep)[0] ?? '') < LAYERS.indexOf(source.layer))
        .map((target) => `${source.path} -> ${target}`),
    );
    expect(upward).toEqual([]);
  });

  it('hold no static mutable state in a class', () => {
    const found = sources.filter(({ text }) =>
      /^\s+(private |protected |public )?static (?!readonly)\w+( =|:)/m.test(text),
    );
    expect(found.map(({ path }) => path)).toEqual([]);
  });
});

describe('the kernel', () => {
  const kernel = sources.filter(({ layer }) => KERNEL.has(layer));

  it('knows nothing of Nest', () => {
    expect(kernel.filter(({ text }) => text.includes("from '@nestjs/")).map(({ path }) => path)).toEqual([]);
  });

  it.each([
    ['time', /\b(Date\.now|performance\.now|new Date|process\.hrtime)\b/],
    ['timers', /\b(setTimeout|setInterval|setImmediate|nextTick|queueMicrotask)\b/],
    ['randomness', /\b(Math\.random|randomBytes|randomUUID)\b/],
    ['sockets', /from 'node:(net|tls|dgram|http)'/],
  ])('has no %s of its own', (_, pattern) => {
    expect(kernel.filter(({ text }) => pattern.test(text)).map(({ path }) => path)).toEqual([]);
  });
});
