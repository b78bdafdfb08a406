import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { IgnoreList, type NodePattern } from '../../../lib/cluster/ignore-list.js';

const node = (name: string): { id: string; name: string } => ({ id: `${name}@10.0.0.5:7946`, name });

describe('the default', () => {
  it.each(['remsh-1', 'api_upgrader_2', 'api_maint_3'])('ignores %s', (name) => {
    expect(new IgnoreList().reasonFor(node(name))).toMatch(
      /^\/.+\/ of nodeBlacklist \(its default\) matches it$/,
    );
  });

  it.each(['api-1', 'my-remsh', 'upgrader', 'maint', 'api_upgrader', 'maint_1'])('leaves %s', (name) => {
    expect(new IgnoreList().reasonFor(node(name))).toBeUndefined();
  });

  it('names the entry', () => {
    expect(new IgnoreList().reasonFor(node('remsh-1'))).toBe(
      '/^remsh/ of nodeBlacklist (its default) matches it',
    );
  });
});

describe('a blacklist', () => {
  it('replaces the default', () => {
    const list = new IgnoreList({ blacklist: ['db-1'] });
    expect(list.reasonFor(node('remsh-1'))).toBeUndefined();
    expect(list.reasonFor(node('db-1'))).toBe('"db-1" of nodeBlacklist matches it');
  });

  it('that is empty ignores nobody', () => {
    expect(new IgnoreList({ blacklist: [] }).reasonFor(node('remsh-1'))).toBeUndefined();
  });

  it('matches a string as the whole name or the whole id', () => {
    const list = new IgnoreList({ blacklist: ['db', 'api@10.0.0.5:7946'] });
    expect(list.reasonFor(node('db'))).toBeDefined();
    expect(list.reasonFor(node('api'))).toBe('"api@10.0.0.5:7946" of nodeBlacklist matches it');
    for (const name of ['db-1', 'a-db', 'Db', 'api-1', '10.0.0.5:7946'])
      expect(list.reasonFor(node(name)), name).toBeUndefined();
  });

  it('matches a RegExp against name and id', () => {
    const list = new IgnoreList({ blacklist: [/^db$/, /:7947$/] });
    expect(list.reasonFor(node('db'))).toBe('/^db$/ of nodeBlacklist matches it');
    expect(list.reasonFor({ id: 'api@10.0.0.5:7947', name: 'api' })).toBe(
      '/:7947$/ of nodeBlacklist matches it',
    );
    expect(list.reasonFor(node('api'))).toBeUndefined();
  });
});

describe('a whitelist', () => {
  it('decides alone', () => {
    const list = new IgnoreList({ whitelist: [/^remsh/, 'api-1'], blacklist: ['api-1'] });
    expect(list.reasonFor(node('remsh-1'))).toBeUndefined();
    expect(list.reasonFor(node('api-1'))).toBeUndefined();
    expect(list.reasonFor(node('api-2'))).toBe('no entry of nodeWhitelist matches it: /^remsh/, "api-1"');
  });

  it('is named within bounds, however long it is', () => {
    const whitelist = [
      new RegExp('a'.repeat(1000)),
      ...Array.from({ length: 6 }, (_, index) => `node-${index}`),
    ];
    const reason = new IgnoreList({ whitelist }).reasonFor(node('api-1'));
    expect(reason).toBe(
      `no entry of nodeWhitelist matches it: /${'a'.repeat(99)}…, "node-0", "node-1", "node-2", "node-3" and 2 more`,
    );
  });
});

describe('RegExps', () => {
  it.each(['g', 'y', 'gy'])('with the flag %s are asked anew each time', (flags) => {
    const list = new IgnoreList({ blacklist: [new RegExp('api', flags)] });
    for (let time = 0; time < 3; time++) expect(list.reasonFor(node('api-1')), `time ${time}`).toBeDefined();
  });

  it('keep their flags: a sticky one matches at the start only, i ignores the case', () => {
    const list = new IgnoreList({ blacklist: [/-1/y, /DB/i] });
    expect(list.reasonFor(node('api-1'))).toBeUndefined();
    expect(list.reasonFor(node('-1'))).toBe('/-1/y of nodeBlacklist matches it');
    expect(list.reasonFor(node('db'))).toBe('/DB/i of nodeBlacklist matches it');
  });

  it('of the user are neither changed nor looked at again', () => {
    const pattern = /api/g;
    pattern.lastIndex = 2;
    const blacklist: NodePattern[] = [pattern];
    const list = new IgnoreList({ blacklist });
    blacklist.length = 0;
    expect(list.reasonFor(node('api-1'))).toBeDefined();
    expect(pattern.lastIndex).toBe(2);
    pattern.lastIndex = 5;
    expect(list.reasonFor(node('api-1'))).toBeDefined();
  });

  it('may come from another realm, as in a sandbox of a test runner', () => {
    const pattern = runInNewContext('/^api/g') as RegExp;
    expect(pattern).not.toBeInstanceOf(RegExp);
    expect(new IgnoreList({ blacklist: [pattern] }).reasonFor(node('api-1'))).toBeDefined();
  });
});
