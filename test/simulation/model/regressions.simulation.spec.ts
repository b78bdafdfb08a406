import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

import { gentle, narrow, rough } from './models.js';
import type { Plan } from './plan.js';
import type { Model } from './promises.js';

const FOLDER = new URL('regressions/', import.meta.url);

/** Each kind of history has a folder of its own. */
function keepsItsPromises<Kind extends string>(folder: string, model: Model<Kind>): void {
  const files = new URL(`${folder}/`, FOLDER);
  it.each(readdirSync(files).map((file) => file.replace('.json', '')))(`${folder}: %s`, async (name) => {
    const plan = JSON.parse(readFileSync(new URL(`${name}.json`, files), 'utf8')) as Plan<Kind>;
    const { violations, story } = await model.play(plan);
    expect(violations, story.join('\n')).toEqual([]);
  });
}

describe('a history that has broken a promise once keeps it', () => {
  keepsItsPromises('rough', rough);
  keepsItsPromises('gentle', gentle);
  keepsItsPromises('narrow', narrow);
});
