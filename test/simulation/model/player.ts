// A process of `npm run simulate`: plays the seeds it is told, one after the other, and says what came of each.
import 'reflect-metadata';

import { happened, modelOf } from './models.js';
import { storyOfBroken } from './promises.js';

/** What a player says after each seed. */
export interface Played {
  readonly seed: number;
  /** The smallest history that breaks a promise, where one is broken. */
  readonly broken: string | undefined;
  /** It has told why it plays no more. */
  readonly dies?: boolean;
}

/** What a player says when it has no more to play. */
export interface Ended {
  /** Which kinds of trouble rough histories had. */
  readonly happened: readonly string[];
}

/** The seed at hand, or the last one. */
let playing: number | undefined;

// What nobody has caught has to do with the seed at hand, or with one just before it.
process.on('uncaughtException', (error) => {
  if (playing === undefined) throw error;
  const said: Played = {
    seed: playing,
    broken: `nobody caught ${error.stack ?? String(error)}`,
    dies: true,
  };
  process.send?.(said, () => process.exit());
});

process.on('message', (seeds: readonly number[]) => {
  if (seeds.length > 0) void play(seeds);
  else process.disconnect();
});

async function play(seeds: readonly number[]): Promise<void> {
  for (const seed of seeds) {
    playing = seed;
    say({ seed, broken: await storyOfBroken(modelOf(seed), seed) });
  }
  say({ happened: Object.keys(happened) });
}

function say(words: Played | Ended): void {
  process.send?.(words);
}
