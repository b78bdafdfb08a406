import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkFences } from '../../support/fence-history.checker.js';
import { readHistories, readHistory } from '../../support/fence-history.reader.js';
import {
  lineOf,
  machineTime,
  nanoseconds,
  recordOf,
  type AnswerRecord,
  type BeginRecord,
  type EndRecord,
  type FenceRecord,
  type ResumeRecord,
} from '../../support/fence-history.js';

function begin(fence: number, ms: number, node: string, name = 'lamp'): BeginRecord {
  return { kind: 'begin', name, fence, at: nanoseconds(ms), node };
}

function answer(fence: number, ms: number, node: string, endedMs?: number): AnswerRecord {
  const endedAt = endedMs === undefined ? {} : { endedAt: nanoseconds(endedMs) };
  return { kind: 'answer', name: 'lamp', fence, at: nanoseconds(ms), node, ...endedAt };
}

function resume(fence: number, from: number, ms: number): ResumeRecord {
  return { kind: 'resume', name: 'lamp', fence, from, at: nanoseconds(ms), node: 'b' };
}

function end(fence: number, ms: number): EndRecord {
  return { kind: 'end', name: 'lamp', fence, at: nanoseconds(ms), node: 'a' };
}

/** What one worker does in its life: a message every 2 ms, each accepted 1 ms later. */
function life(fence: number, node: string, fromMs: number, toMs: number): FenceRecord[] {
  const records: FenceRecord[] = [];
  for (let ms = fromMs; ms < toMs; ms += 2) records.push(begin(fence, ms, node), answer(fence, ms + 1, 'c'));
  return records;
}

describe('the checker of fences finds', () => {
  it('nothing in activations that follow each other, in whatever order they were written', () => {
    const history = [...life(1, 'a', 0, 100), ...life(2, 'b', 101, 200), ...life(9, 'a', 200, 300)];
    expect(checkFences(history)).toEqual([]);
    expect(checkFences(history.toReversed())).toEqual([]);
  });

  it('nothing in names that overlap each other', () => {
    expect(
      checkFences([begin(7, 1, 'a', 'one'), begin(5, 2, 'b', 'two'), begin(6, 3, 'a', 'three')]),
    ).toEqual([]);
  });

  it('nothing in a handler that ends late, when nobody accepts its answer', () => {
    const history = [begin(1, 0, 'a'), begin(2, 5, 'b'), answer(2, 6, 'c'), begin(2, 9_000, 'b')];
    expect(checkFences(history)).toEqual([]);
  });

  it('an activation that begins a message after a newer one began', () => {
    const [violation, ...others] = checkFences([
      ...life(1, 'a', 0, 100),
      ...life(2, 'b', 90, 200),
      begin(1, 300.25, 'a'),
    ]).filter(({ rule }) => rule === 'begin');
    expect(others).toEqual([]);
    expect(violation).toMatchObject({ rule: 'begin', name: 'lamp', times: 5 });
    expect(String(violation)).toBe(
      'P2: "lamp": a began a message under fence 1 at 92.000 ms (5 times), but b had done so under the newer fence 2 at 90.000 ms',
    );
  });

  it('a fence that falls from one activation to the next', () => {
    const violations = checkFences([begin(5, 1, 'a'), begin(7, 2, 'b'), begin(6, 3, 'a'), begin(8, 4, 'b')]);
    expect(violations.map(String)).toEqual([
      'P2: "lamp": a began a message under fence 6 at 3.000 ms, but b had done so under the newer fence 7 at 2.000 ms',
    ]);
  });

  it('every newer activation that an older one came after, once', () => {
    const late = [begin(3, 3, 'b'), begin(2, 2, 'b'), begin(1, 4, 'a'), begin(1, 5, 'a')];
    expect(checkFences(late).map(({ before, times }) => [before.fence, times])).toEqual([
      [2, 2],
      [3, 2],
    ]);
  });

  it('an answer of an older activation that is accepted after one of a newer', () => {
    const violations = checkFences([
      begin(1, 1, 'a'),
      begin(2, 5, 'b'),
      answer(2, 6, 'c'),
      answer(1, 6.5, 'd', 2),
    ]);
    expect(violations.map(String)).toEqual([
      'P2: "lamp": d accepted an answer of fence 1 at 6.500 ms, but c had done so of the newer fence 2 at 6.000 ms',
    ]);
  });

  it('two nodes that run the same fence', () => {
    const violations = checkFences([begin(4, 1, 'a'), begin(4, 2, 'a'), begin(4, 3, 'b'), begin(4, 3, 'a')]);
    expect(violations.map(String)).toEqual([
      'P2: "lamp": b began a message under fence 4 at 3.000 ms, but a had done so under another activation of the same fence at 1.000 ms',
    ]);
  });

  it('nothing where two records have the same time', () => {
    expect(checkFences([begin(2, 5, 'b'), begin(1, 5, 'a'), answer(2, 6, 'c'), answer(1, 6, 'd')])).toEqual(
      [],
    );
    expect(checkFences([begin(2, 5, 'b'), begin(1, 5, 'a'), begin(1, 5.000001, 'a')])).toHaveLength(1);
  });
});

describe('an answer that was on its way while its worker moved', () => {
  const moved = [begin(1, 1, 'a'), resume(2, 1, 4), begin(2, 5, 'b'), answer(2, 6, 'c')];

  it('is none that came too late', () => {
    expect(checkFences([...moved, answer(1, 9, 'd', 3)])).toEqual([]);
    const again = [resume(3, 2, 7), begin(3, 7, 'c'), answer(3, 8, 'c')];
    expect(checkFences([...moved, ...again, answer(1, 9, 'd', 3), answer(2, 10, 'd', 6)])).toEqual([]);
  });

  it('is one if its handler still ran when the state was taken along, or may have', () => {
    expect(checkFences([...moved, answer(1, 9, 'd', 4.5)])).toHaveLength(1);
    expect(checkFences([...moved, answer(1, 9, 'd')])).toHaveLength(1);
  });

  it('is one if a newer activation does not go on from that state', () => {
    const anew = [begin(3, 7, 'c'), answer(3, 8, 'c')];
    const violations = checkFences([...moved, ...anew, answer(1, 9, 'd', 3)]);
    expect(violations.map(({ late, before }) => [late.fence, before.fence])).toEqual([[1, 3]]);
  });

  it('is one if moves go round in a circle', () => {
    const circle = [resume(2, 3, 4), resume(3, 2, 4), answer(3, 8, 'c'), answer(1, 9, 'd', 3)];
    expect(checkFences(circle)).toHaveLength(1);
  });
});

describe('an answer that was on its way while its worker was unregistered', () => {
  const anew = [begin(3, 7, 'c'), answer(3, 8, 'c')];
  const ended = [begin(1, 1, 'a'), end(1, 4), ...anew];

  it('is none that came too late', () => {
    expect(checkFences([...ended, answer(1, 9, 'd', 3)])).toEqual([]);
    const moved = [begin(1, 1, 'a'), resume(2, 1, 4), begin(2, 5, 'b'), end(2, 6), ...anew];
    expect(checkFences([...moved, answer(1, 9, 'd', 3), answer(2, 10, 'd', 5.5)])).toEqual([]);
  });

  it('is one if its handler still ran when the worker ended, or may have', () => {
    expect(checkFences([...ended, answer(1, 9, 'd', 4.5)])).toHaveLength(1);
    expect(checkFences([...ended, answer(1, 9, 'd')])).toHaveLength(1);
  });

  it('is one if a newer activation had begun when the worker ended', () => {
    expect(checkFences([begin(1, 1, 'a'), ...anew, end(1, 7), answer(1, 9, 'd', 3)])).toHaveLength(1);
  });

  it('is one if it was another activation that ended', () => {
    expect(checkFences([begin(1, 1, 'a'), end(2, 4), ...anew, answer(1, 9, 'd', 3)])).toHaveLength(1);
  });
});

it('checks 100,000 records within a second', () => {
  const history: FenceRecord[] = [];
  for (let name = 0; name < 100; name++)
    for (let i = 0; i < 500; i++) {
      const fence = Math.floor(i / 50);
      history.push(begin(fence, i * 2, `n${fence % 3}`, `name-${name}`));
      history.push({ ...answer(fence, i * 2 + 1, 'c'), name: `name-${name}` });
    }
  history.push(begin(3, 2_000, 'n0', 'name-50'));
  const began = performance.now();
  const violations = checkFences(history);
  expect(performance.now() - began).toBeLessThan(1_000);
  expect(history).toHaveLength(100_001);
  expect(violations.map(({ name }) => name)).toEqual(Array.from({ length: 6 }, () => 'name-50'));
});

describe('the file of a fence history', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'nestjs-swarm-history-'));
  });
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  const records = [
    begin(1, 1.000001, 'a@h:1', 'lämp "1"\n'),
    resume(2, 1, 2),
    answer(1, 3, 'b'),
    answer(2, 4, 'b', 3),
  ];

  function written(name: string, text: string | Uint8Array): string {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  }

  it('gives back what was written, large and small', async () => {
    const few = written('few', records.map(lineOf).join(''));
    expect(await readHistories([few, few])).toEqual([...records, ...records]);
    const many = Array.from({ length: 20_000 }, (_, i) => begin(i, i, `node-${i % 7}`, `näme-${i % 100}`));
    expect(await readHistories([written('many', many.map(lineOf).join(''))])).toEqual(many);
    expect(await readHistories([written('none', '')])).toEqual([]);
  });

  it('may end in the middle of a line, at every byte of it', async () => {
    const whole = Buffer.from(records.map(lineOf).join(''));
    const start = whole.lastIndexOf('\n', whole.length - 2) + 1;
    for (let length = start; length <= whole.length; length++) {
      const read = await readHistories([written('cut', whole.subarray(0, length))]);
      expect(read).toHaveLength(length >= whole.length - 1 ? records.length : records.length - 1);
    }
  });

  it.each([
    ['no JSON', '{"kind":"begin",\n', 'JSON'],
    ['an empty line', '\n', 'JSON'],
    ['null', 'null\n', 'name and node must be strings'],
    ['no name', lineOf(begin(1, 1, 'a')).replace('"name"', '"nam"'), 'name and node must be strings'],
    [
      'another kind',
      lineOf(begin(1, 1, 'a')).replace('begin', 'began'),
      'kind must be begin, answer, resume or end',
    ],
    [
      'a fence that is no number',
      lineOf(begin(1, 1, 'a')).replace('"fence":1', '"fence":"1"'),
      'fence must be',
    ],
    ['a time that is a number', lineOf(begin(1, 1, 'a')).replace(/"at":"(\d+)"/, '"at":$1'), 'at must be'],
    ['no end', lineOf(answer(1, 1, 'a', 1)).replace(/"endedAt":"\d+"/, '"endedAt":null'), 'endedAt must be'],
    ['no origin', lineOf(resume(2, 1, 1)).replace('"from"', '"form"'), 'from must be'],
  ])('must not have a line with %s', async (_, line, why) => {
    const path = written('bad', `${lineOf(begin(1, 1, 'a'))}${line}${lineOf(begin(2, 2, 'a'))}`);
    const read = async (): Promise<void> => {
      for await (const record of readHistory(path)) expect(record.fence).toBe(1);
    };
    await expect(read()).rejects.toThrow(`${path}:2 is no record of a fence history: `);
    await expect(read()).rejects.toThrow(why);
  });

  it('must be there', async () => {
    await expect(readHistories([join(folder, 'missing')])).rejects.toThrow('ENOENT');
  });
});

it('has times of one clock, from both that a process has', () => {
  const before = process.hrtime.bigint();
  const between = machineTime(performance.now());
  const after = process.hrtime.bigint();
  const slack = 50_000n;
  expect(between).toBeGreaterThanOrEqual(before - slack);
  expect(between).toBeLessThanOrEqual(after + slack);
  expect(recordOf(lineOf(begin(1, 2.5, 'a'))).at).toBe(2_500_000n);
});
