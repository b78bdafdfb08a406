import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

import { rough } from './models.js';
import type { Plan } from './plan.js';
import type { RoughKind } from './rough-history.js';

const FOLDER = new URL('regressions/', import.meta.url);

describe('a history that has broken a promise once keeps it', () => {
  it.each(readdirSync(FOLDER).map((file) => file.replace('.json', '')))('%s', async (name) => {
    const plan = JSON.parse(readFileSync(new URL(`${name}.json`, FOLDER), 'utf8')) as Plan<RoughKind>;
    const { violations, story } = await rough.play(plan);
    expect(violations, story.join('\n')).toEqual([]);
  });
});
