// `npm run simulate -- [--seeds 2000] [--first 1] [--all]`: many seeds of the simulation, on all cores. Ends with how many
// were played and the first that broke a promise; with `--all` goes on behind it, and ends with all that did.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';

import { compile } from './compiled.mjs';

const USAGE = 'npm run simulate -- [--seeds 2000] [--first 1] [--all]';
/** Most seeds of one request: a player does not wait for the next, and none has much left to do when the others have ended. */
const MOST_AT_ONCE = 20;
/** After each so many it is told how far it is. */
const TOLD_EVERY = 1_000;
/** A player that says nothing for so long hangs; making a failing history smaller takes a minute. */
const SILENT_MS = 600_000;
/** Of so many seeds the histories have had every kind of trouble there is. */
const SEEDS_FOR_ALL_TROUBLE = 400;
const KINDS_OF_TROUBLE = 16;

const { seeds, first, all } = options();
const end = first + seeds;
const players = Math.min(availableParallelism(), seeds);
/** All cores have work to the end, also when there are few seeds. */
const atOnce = Math.min(MOST_AT_ONCE, Math.ceil(seeds / players));
const entry = compile('model/player', 'simulate');
const began = performance.now();
let next = first;
/** What a player that died has left of what it was given. */
const left = [];
let played = 0;
/** Seeds that broke a promise, and how; the lowest first. */
const failures = [];
const troubles = new Set();

await Promise.all(Array.from({ length: players }, work));
const isTroubled = seeds < SEEDS_FOR_ALL_TROUBLE || troubles.size >= KINDS_OF_TROUBLE;
console.log(`${played} of ${seeds} seeds were played, from ${first}, in ${secondsSince(began)} s`);
if (failures[0] && !all) tell(failures[0], 'first ');
if (all && failures.length > 0) console.log(`failing seeds: ${failures.map(({ seed }) => seed).join(', ')}`);
if (!isTroubled) console.log(`only ${troubles.size} kinds of trouble: ${[...troubles].sort().join(', ')}`);
const isKept = failures.length === 0 && played === seeds && isTroubled;
if (isKept) console.log('all kept their promises');
process.exit(isKept ? 0 : 1);

/** Has seeds played until there are none left, or one has failed and all below it are done. */
async function work() {
  // The next player goes on behind the seed of which one has died.
  while (isWanted()) await player();
}

function isWanted() {
  return (left.length > 0 || next < end) && (all || failures.length === 0);
}

/** @returns the seeds a player is given next; with none it ends */
function slice() {
  if (!isWanted()) return [];
  return left.length > 0
    ? left.splice(0, atOnce)
    : Array.from({ length: Math.min(atOnce, end - next) }, () => next++);
}

/** A process that plays one slice after the other. */
async function player() {
  const child = fork(entry, [], {
    execArgv: ['--enable-source-maps'],
    stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
  });
  const silence = setTimeout(() => child.kill('SIGKILL'), SILENT_MS);
  let errors = '';
  let hasTold = false;
  let given = [];
  const give = () => {
    given = slice();
    child.send(given);
  };
  child.stderr.on('data', (text) => (errors += String(text)));
  child.on('message', (said) => {
    silence.refresh();
    if (said.happened) {
      for (const kind of said.happened) troubles.add(kind);
      give();
      return;
    }
    // What nobody caught in time is told of a seed once more.
    if (given[0] === said.seed) {
      given.shift();
      markPlayed();
    }
    if (said.broken) fail(said);
    hasTold = said.dies ?? false;
  });
  give();
  const [code, signal] = await once(child, 'close');
  clearTimeout(silence);
  if (!hasTold && given.length > 0) {
    const death = `the process that played it ended with ${signal ?? code}:\n${errors}`;
    // Not of this seed, but of all.
    if (played === 0) throw new Error(death);
    fail({ seed: given.shift(), broken: death });
    markPlayed();
  }
  left.push(...given);
}

function markPlayed() {
  if (++played % TOLD_EVERY === 0) console.log(`${played} seeds played, ${secondsSince(began)} s`);
}

function fail(failure) {
  failures.push(failure);
  failures.sort((a, b) => a.seed - b.seed);
  if (all) tell(failure);
}

function tell({ seed, broken }, which = '') {
  console.log(`${which}failing seed: ${seed}\n\n${broken}`);
  console.log(`\nagain: npm run simulate -- --seeds 1 --first ${seed}\n`);
}

function secondsSince(time) {
  return ((performance.now() - time) / 1000).toFixed(0);
}

function options() {
  try {
    const { values } = parseArgs({
      options: {
        seeds: { type: 'string', default: '2000' },
        first: { type: 'string', default: '1' },
        all: { type: 'boolean', default: false },
      },
    });
    const [count, from] = [Number(values.seeds), Number(values.first)];
    if (Number.isSafeInteger(count) && count > 0 && Number.isSafeInteger(from) && from >= 0)
      return { seeds: count, first: from, all: values.all };
  } catch {
    // Told below.
  }
  console.log(USAGE);
  process.exit(2);
}
