import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { withPerformance, type Results } from '../../bench/harness/readme.js';

const readme = readFileSync('README.md', 'utf8');
const results = JSON.parse(readFileSync('test/bench/results.json', 'utf8')) as Results;

describe('the figures of the README', () => {
  it('are those that the benchmark has written', () => {
    expect(withPerformance(readme, results)).toBe(readme);
  });

  it('are of at least five samples each, beside what others do in the same run', () => {
    expect(results.repeats).toBeGreaterThanOrEqual(5);
    for (const peer of ['bare node:net echo', '@nestjs/microservices TCP', 'Moleculer TCP']) {
      const rows = results.rows.filter(({ title }) => title.startsWith(peer));
      expect(rows.length).toBeGreaterThan(0);
      for (const { samples } of rows) expect(samples).toHaveLength(results.repeats);
    }
  });
});
