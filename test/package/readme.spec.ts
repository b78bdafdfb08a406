import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import * as library from '../../lib/index.js';
import { readmeTable } from './support/readme.js';
import { root } from './support/run.js';

/** Options that are made of others. */
const GROUPS = new Set(['node', 'handoff', 'drain']);

/** Types of events with the names of their fields, sorted. */
function writtenEvents(): Array<[type: string, fields: string[]]> {
  const [, union = ''] = readFileSync(`${root}lib/events/swarm-event.ts`, 'utf8').split(
    'SwarmEventContent =',
  );
  return [...union.matchAll(/\{([^{}]*)\}/g)].map(([, body = '']) => {
    const fields = [...body.matchAll(/readonly (\w+)\??:/g)].map(([, field = '']) => field);
    const type = /readonly type: '([^']+)'/.exec(body)?.[1] ?? `a type is missing in {${body}}`;
    return [type, fields.filter((field) => field !== 'type').sort()];
  });
}

/** Options with the default that their docstring gives, as `node.port` for those of a node. */
function documentedOptions(): Map<string, string> {
  const source = readFileSync(`${root}lib/swarm.options.ts`, 'utf8');
  const options = new Map<string, string>();
  for (const [, kind, body = ''] of source.matchAll(
    /interface Swarm(Node|Handoff|Drain|Module)Options \{(.*?)^\}/gms,
  )) {
    for (const [, doc = '', name = ''] of body.matchAll(/\/\*\*(.*?)\*\/\s+readonly (\w+)\?:/gs)) {
      if (GROUPS.has(name)) continue;
      const group = kind === 'Module' ? '' : `${kind?.toLowerCase()}.`;
      options.set(group + name, /@default (.*)/.exec(doc)?.[1] ?? '');
    }
  }
  return options;
}

it('the README has every option and no other, with its default', () => {
  const told = new Map(readmeTable('option').map(([name = '', , value = '']) => [name, value]));
  const documented = documentedOptions();
  expect([...told.keys()].sort()).toEqual([...documented.keys()].sort());
  for (const [name, value] of documented) {
    const plain = value.replaceAll('`', '');
    if (/^(\d+|true|false)\b|^\[\//.test(plain)) expect(told.get(name), name).toBe(plain);
  }
});

it('the README has every error and no other, with its code and status', () => {
  const told = readmeTable('class').map(([name, code, status]) => [name, code, status]);
  const written = readdirSync(`${root}lib/errors`).flatMap((file) => {
    const source = readFileSync(`${root}lib/errors/${file}`, 'utf8');
    const name = /export class (\w+)/.exec(source)?.[1];
    return name === undefined ? [] : [[name, /ERR_SWARM_\w+/.exec(source)?.[0], statusIn(source)]];
  });
  expect(told.map(([name, code]) => [name, code]).sort()).toEqual(
    written.map(([name, code]) => [name, code]).sort(),
  );
  for (const [name, , status] of written) {
    if (status === undefined) continue;
    expect(told.find(([other]) => other === name)?.[2], name).toBe(status);
  }
  const exported = Object.keys(library).filter((name) => name.endsWith('Error') && name !== 'SwarmError');
  expect(told.map(([name]) => name).sort()).toEqual(exported.sort());
});

it('the README has every event and no other, with its fields, and says when it happens', () => {
  const table = readmeTable('type');
  const told = table.map(([type = '', fields = '']) => [type, fields.split(', ').sort()]);
  const written = writtenEvents();
  expect(written.length).toBeGreaterThan(20);
  expect(Object.fromEntries(told)).toEqual(Object.fromEntries(written));
  expect(told).toHaveLength(written.length);
  expect(table.filter(([, , when]) => when === undefined || when === '')).toEqual([]);
});

it('the links of the README, and of the guides that it leads to, lead to a file, and to a heading of it', () => {
  const guides = readdirSync(`${root}lib`)
    .filter((file) => file.endsWith('.md'))
    .map((file) => `lib/${file}`);
  const links = ['README.md', ...guides].flatMap((from) => linksOf(from));
  expect(links.length).toBeGreaterThan(20);
  const broken = links.filter(({ file, anchor }) => {
    const path = `${root}${file}`;
    return !existsSync(path) || (anchor !== undefined && !anchorsOf(path).has(anchor));
  });
  expect(broken).toEqual([]);
});

it('the README has every folder of the source', () => {
  const folders = readdirSync(`${root}lib`, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const told = readmeTable('folder').map(([name]) => name);
  expect(told.sort()).toEqual(folders.map(({ name }) => `${name}/`).sort());
});

/** The status that the constructor hands on, where it is a plain number. */
function statusIn(source: string): string | undefined {
  return /super\([\s\S]*?,\s*(\d{3})\b/.exec(source)?.[1];
}

/** The links of a page to files of this repository, from its root, and to headings of them. */
function linksOf(from: string): Array<{ from: string; file: string; anchor: string | undefined }> {
  const links = readFileSync(`${root}${from}`, 'utf8').matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)/g);
  return Array.from(links, ([, path = '', anchor]) => {
    return { from, file: path === '' ? from : join(dirname(from), path), anchor };
  });
}

/** As GitHub makes them of headings. */
function anchorsOf(path: string): Set<string> {
  const headings = readFileSync(path, 'utf8').matchAll(/^#+ (.+)$/gm);
  return new Set(
    Array.from(headings, ([, heading = '']) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\w\- ]/g, '')
        .replaceAll(' ', '-'),
    ),
  );
}
