import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const SPECIFIERS = [
  /\bfrom\s+['"]([^'"]+)['"]/g,
  /\bimport\s+['"]([^'"]+)['"]/g,
  /\bimport\(\s*['"]([^'"]+)['"]/g,
  /<reference\s+(?:types|path)="([^"]+)"/g,
];

/** The packages that the files of a folder import, `node:` for Node's own; a relative import that leads nowhere is told too. */
export function importedBy(folder: string, ending: '.js' | '.d.ts'): string[] {
  const found = new Set<string>();
  for (const entry of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (!entry.endsWith(ending)) continue;
    const path = join(folder, entry);
    const text = withoutComments(readFileSync(path, 'utf8'));
    for (const pattern of SPECIFIERS) {
      for (const [, specifier = ''] of text.matchAll(pattern)) {
        const imported = packageOf(specifier, path, ending);
        if (imported !== undefined) found.add(imported);
      }
    }
  }
  return [...found].sort();
}

function packageOf(specifier: string, path: string, ending: string): string | undefined {
  if (specifier.startsWith('node:')) return 'node:';
  if (!specifier.startsWith('.'))
    return specifier
      .split('/')
      .slice(0, specifier.startsWith('@') ? 2 : 1)
      .join('/');
  const target = join(dirname(path), specifier.replace(/\.js$/, ending));
  return existsSync(target) ? undefined : `${specifier} (of ${path}, not there)`;
}

/** Examples in comments import too; a directive is a comment that counts. */
function withoutComments(text: string): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\//g, '');
}
