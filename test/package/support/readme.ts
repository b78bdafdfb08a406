import { readFileSync } from 'node:fs';
import { root } from './run.js';

const README = readFileSync(`${root}README.md`, 'utf8');

/** The TypeScript of the README by file: each block begins with the name of its file in a comment. */
export function readmeFiles(): Map<string, string> {
  const files = new Map<string, string>();
  for (const [, code = ''] of README.matchAll(/^```ts\n(.*?)^```$/gms)) {
    const name = /^\/\/ (\S+\.ts)\n/.exec(code)?.[1];
    if (name === undefined) throw new Error(`a block of the README names no file:\n${code}`);
    files.set(name, code);
  }
  return files;
}

/** The cells of the table whose first column has this head, without the head. */
export function readmeTable(head: string): string[][] {
  const lines = README.split('\n');
  const start = lines.findIndex((line) => cells(line)[0] === head);
  if (start < 0) throw new Error(`the README has no table of "${head}"`);
  const rows: string[][] = [];
  for (const line of lines.slice(start + 2)) {
    if (!line.startsWith('|')) break;
    rows.push(cells(line));
  }
  return rows;
}

function cells(line: string): string[] {
  return line.startsWith('|')
    ? line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim().replaceAll('`', ''))
    : [];
}
