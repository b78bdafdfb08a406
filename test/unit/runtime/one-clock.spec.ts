import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const LIB = fileURLToPath(new URL('../../../lib/', import.meta.url));
/** What runs in virtual time, and must not look at any other. */
const KERNEL = [
  'cluster',
  'distribution',
  'handoff',
  'messaging',
  'node',
  'registration',
  'tracker',
  'workers',
  'transport/memory',
  'transport/relay',
  'transport/codec',
];
const FORBIDDEN =
  /\b(?:Date\.now|new Date\(\)|Math\.random|performance\.|process\.hrtime|setTimeout|setInterval|setImmediate|node:timers|randomUUID|randomBytes)/;

function sources(folder: string): string[] {
  return readdirSync(join(LIB, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => join(folder, file));
}

/** Comments may speak of what code may not do. */
function codeOf(file: string): string {
  return readFileSync(join(LIB, file), 'utf8').replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
}

describe('the kernel has one clock, one source of timers and one of chance: its runtime', () => {
  it.each(KERNEL.flatMap(sources))('%s', (file) => {
    expect(codeOf(file)).not.toMatch(FORBIDDEN);
  });

  it('and a file that looks elsewhere would be noticed', () => {
    expect(codeOf('runtime/node.runtime.ts')).toMatch(FORBIDDEN);
  });
});
