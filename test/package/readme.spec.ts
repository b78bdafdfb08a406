import { readdirSync, readFileSync } from 'node:fs';
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

it('the links of the README within it lead to a heading', () => {
  const readme = readFileSync(`${root}README.md`, 'utf8');
  const headings = [...readme.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => heading.toLowerCase());
  const anchors = new Set(headings.map((one) => one.replaceAll(/[^\w\- ]/g, '').replaceAll(' ', '-')));
  const links = [...readme.matchAll(/\]\(#([^)]+)\)/g)].map(([, anchor = '']) => anchor);
  expect(links.length).toBeGreaterThan(0);
  expect(links.filter((anchor) => !anchors.has(anchor))).toEqual([]);
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
