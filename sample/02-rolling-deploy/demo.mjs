// Four processes, 2,000 counters in memory, constant load, and every process is replaced. Run it by `npm run demo:deploy`.
import { setTimeout as sleep } from 'node:timers/promises';
import { demand, forEach } from '../01-device-fleet/demo/http.mjs';
import { number, say, since } from '../01-device-fleet/demo/print.mjs';
import { ensureBuilt } from './demo/build.mjs';
import { Load } from './demo/load.mjs';
import { Pods } from './demo/pods.mjs';

const COUNTERS = 2_000;
const PODS = 4;
/** Low enough that two cores, on which a new process boots meanwhile, are not the bottleneck. */
const CALLS_PER_SECOND = 500;
/** How long the callers are watched before the deploy, for comparison. */
const BEFORE_MS = 3_000;
/** A new process must have answered for so long before it gets requests, as `minReadySeconds` of Kubernetes. */
const READY_MS = 1_000;
const PROBE_MS = 50;
const AT_ONCE = 64;
/** Beyond this something is wrong, and the demo fails instead of waiting. */
const PATIENCE_MS = 20_000;

const pods = new Pods();
const began = performance.now();
let interrupted = false;

process.once('exit', () => pods.end());
for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
]) {
  process.once(signal, () => {
    interrupted = true;
    process.exit(code);
  });
}

try {
  await demo();
} catch (error) {
  if (!interrupted) {
    console.error(`\nThe demo failed: ${error.message}\n\n${pods.output().join('\n')}`);
    process.exitCode = 1;
  }
} finally {
  pods.end();
}
process.exit();

async function demo() {
  console.log(
    `nestjs-swarm: ${PODS} processes, ${number(COUNTERS)} counters in memory, every process is replaced\n`,
  );
  const built = await ensureBuilt();
  say('build', built ? `library and sample, ${since(began)}` : 'up to date');

  let running = await startAll();
  const names = Array.from({ length: COUNTERS }, (_, index) => `counter-${index + 1}`);
  await register(names, running);

  const load = new Load(names, running, CALLS_PER_SECOND);
  load.start();
  say('load', `${CALLS_PER_SECOND} HTTP requests a second, each adds 1 to a counter, through all ${PODS}`);
  await sleep(BEFORE_MS);
  const before = load.lap();
  say('', `${number(before.calls)} calls, ${before.failed} failed, longest wait ${ms(before.worstMs)}\n`);

  for (const [index, old] of [...running].entries()) {
    const fresh = await replace(old, `v2-${index + 1}`, load);
    running = [...running.filter((pod) => pod !== old), fresh];
  }
  const total = await load.stop();
  const lost = await countLost(load.acknowledged, running);
  tell(total, before, lost, load.failures);
}

async function startAll() {
  const startedAt = performance.now();
  const started = await Promise.all(
    Array.from({ length: PODS }, (_, index) => pods.start(`v1-${index + 1}`)),
  );
  await until(async () => {
    const views = await Promise.all(started.map(({ url }) => demand('GET', `${url}/counters`)));
    return views.every(({ nodes }) => nodes === PODS);
  }, 'the processes have not found each other');
  say(
    'processes',
    `one swarm ${since(startedAt)} after they were started: ${started.map(titleOf).join(', ')}`,
  );
  return started;
}

async function register(names, running) {
  const startedAt = performance.now();
  await forEach(names, AT_ONCE, (name, index) =>
    demand('POST', `${running[index % running.length].url}/counters/${name}`),
  );
  say('register', `${number(names.length)} counters, ${since(startedAt)}`);
}

/**
 * A rolling deploy as of Kubernetes with `maxSurge: 1`: the new pod is up before the old one is told to go, and that one
 * has answered its last request by then.
 */
async function replace(old, name, load) {
  const startedAt = performance.now();
  const fresh = await pods.start(name);
  const up = since(startedAt);
  await probe(fresh);
  load.enlist(fresh);

  const hosts = await hostedBy(old, fresh);
  await load.delist(old);
  const toldAt = performance.now();
  await pods.terminate(old);
  const gone = since(toldAt);
  const { calls, failed, worstMs } = load.lap();
  say(
    old.name,
    `${name} up in ${up}; SIGTERM, while it has ${number(hosts)} counters: gone in ${gone};` +
      ` ${number(calls)} calls, ${failed} failed, longest wait ${ms(worstMs)}`,
  );
  return fresh;
}

/** Asks a new pod until it has been ready long enough; it has taken over its share of the counters meanwhile. */
async function probe({ url }) {
  for (const startedAt = performance.now(); performance.now() - startedAt < READY_MS; await sleep(PROBE_MS)) {
    await demand('GET', `${url}/counters`);
  }
}

/** How many counters a pod hosts, as another one knows. */
async function hostedBy({ name }, { url }) {
  const { byNode } = await demand('GET', `${url}/counters`);
  const [, count = 0] = Object.entries(byNode).find(([node]) => node.startsWith(`${name}@`)) ?? [];
  return count;
}

/** Counters whose total is not the number of calls that were answered. */
async function countLost(acknowledged, running) {
  let lost = 0;
  await forEach([...acknowledged], AT_ONCE, async ([name, calls], index) => {
    const { total } = await demand('GET', `${running[index % running.length].url}/counters/${name}`);
    if (total < calls) lost++;
  });
  return lost;
}

function tell({ calls, failed, perSecond, worstMs }, before, lost, failures) {
  console.log();
  say('calls', `${number(calls)} made, ${perSecond.toFixed(0)} a second`);
  say('failed', number(failed));
  say('pause', `${ms(worstMs)} is the longest that a caller waited; ${ms(before.worstMs)} before the deploy`);
  say('lost', `the state of ${number(lost)} counters`);
  for (const failure of failures) say('', failure);
  if (failed > 0 || lost > 0) process.exitCode = 1;
  const verdict =
    failed + lost === 0 ? 'No call failed, nothing was lost.' : 'That should not have happened.';
  console.log(`\n  All ${PODS} processes were replaced. ${verdict} ${since(began)} in all.`);
}

async function until(condition, complaint) {
  const deadline = performance.now() + PATIENCE_MS;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`${complaint} after ${PATIENCE_MS / 1_000} s`);
    await sleep(20);
  }
}

function titleOf({ name, pid }) {
  return `${name} (${pid})`;
}

function ms(value) {
  return `${value.toFixed(0)} ms`;
}
