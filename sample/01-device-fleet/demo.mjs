// Three processes, 3,000 devices, one kill -9. Run it by `npm run demo`.
import { setTimeout as sleep } from 'node:timers/promises';
import { ensureBuilt } from './demo/build.mjs';
import { Fleet } from './demo/fleet.mjs';
import { demand, forEach, request } from './demo/http.mjs';
import { number, say, since, table } from './demo/print.mjs';

const DEVICES = 3_000;
const NODES = ['fleet-1', 'fleet-2', 'fleet-3'];
const VICTIM = 'fleet-2';
const MODEL = 'thermometer';
/** The one reading of each device. */
const READING = 21.5;
const AT_ONCE = 64;
/** Beyond this something is wrong, and the demo fails instead of waiting. */
const PATIENCE_MS = 20_000;

const fleet = new Fleet();
const began = performance.now();
let interrupted = false;

process.once('exit', () => fleet.end());
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
    console.error(`\nThe demo failed: ${error.message}\n\n${fleet.output().join('\n')}`);
    process.exitCode = 1;
  }
} finally {
  fleet.end();
}
process.exit();

async function demo() {
  console.log(`nestjs-swarm: three processes, ${number(DEVICES)} devices, one kill -9\n`);
  const built = await ensureBuilt();
  say('build', built ? `library and sample, ${since(began)}` : 'up to date');

  const nodes = await startNodes();
  const ids = Array.from({ length: DEVICES }, (_, index) => `device-${index + 1}`);
  await register(ids, nodes);
  await record(ids, nodes);
  const before = await hosted(nodes);
  check(before, ids);
  table(
    ['', 'devices', 'readings'],
    before.map(({ name, devices, readings }) => [name, devices.length, readings]),
  );

  const victim = before.find(({ name }) => name === VICTIM);
  const survivors = nodes.filter(({ name }) => name !== VICTIM);
  console.log(
    `\n  kill -9 ${victim.name} (process ${victim.pid}), which hosts ${number(victim.devices.length)} devices\n`,
  );
  const killedAt = performance.now();
  fleet.kill(VICTIM);
  const others = ids.filter((id) => !victim.devices.includes(id));
  const restarted = await untilAllAnswer(victim.devices, survivors);
  say('back', `its devices have answered ${since(killedAt)} after the kill, asked at the two that are left;`);
  const untouched = await untilAllAnswer(others, survivors);
  say('', `all ${number(ids.length)} have ${since(killedAt)} after it, one HTTP request each\n`);

  await untilAgreed(survivors, ids.length);
  const after = await hosted(survivors);
  check(after, ids);
  table(
    ['', 'before', 'after'],
    before.map(({ name, devices }) => [
      name,
      devices.length,
      after.find((node) => node.name === name)?.devices.length ?? 'killed',
    ]),
  );
  tellLosses(restarted, untouched, victim);
  console.log(`\n  No device is missing, none runs twice. ${since(began)} in all.`);
}

async function startNodes() {
  const startedAt = performance.now();
  const nodes = await Promise.all(NODES.map((name) => fleet.start(name)));
  await until(async () => {
    const views = await Promise.all(nodes.map(({ url }) => demand('GET', `${url}/readings`)));
    return views.every((view) => view.nodes === nodes.length);
  }, 'the processes have not found each other');
  say('processes', `one swarm ${since(startedAt)} after they were started, without broker or configuration:`);
  for (const { name, url, pid } of nodes) say('', `${name}  ${url}  (process ${pid})`);
  return nodes;
}

async function register(ids, nodes) {
  const startedAt = performance.now();
  await forEach(ids, AT_ONCE, (id, index) =>
    demand('POST', `${nodes[index % nodes.length].url}/devices`, { id, model: MODEL }),
  );
  await untilAgreed(nodes, ids.length);
  say('register', `${number(ids.length)} devices over HTTP, through all three, ${since(startedAt)}`);
}

async function record(ids, nodes) {
  const startedAt = performance.now();
  await forEach(ids, AT_ONCE, (id, index) =>
    demand('POST', `${nodes[(index + 1) % nodes.length].url}/devices/${id}/readings`, { value: READING }),
  );
  say(
    'readings',
    `one for each device, through another process than the one that registered it, ${since(startedAt)}\n`,
  );
}

/** What each process runs, by its own word and not by the registry's. */
function hosted(nodes) {
  return Promise.all(
    nodes.map(async ({ name, pid, url }) => {
      const { readings } = await demand('GET', `${url}/readings`);
      const counts = Object.values(readings);
      return {
        name,
        pid,
        devices: Object.keys(readings),
        readings: counts.reduce((sum, count) => sum + count, 0),
      };
    }),
  );
}

/** @throws Error if a device runs in no process or in several */
function check(nodes, ids) {
  const runs = new Map(ids.map((id) => [id, 0]));
  for (const { devices } of nodes) for (const id of devices) runs.set(id, (runs.get(id) ?? 0) + 1);
  const missing = ids.filter((id) => runs.get(id) === 0);
  const twice = [...runs].filter(([, count]) => count > 1).map(([id]) => id);
  if (missing.length > 0)
    throw new Error(`${missing.length} devices are missing: ${missing.slice(0, 5).join(', ')} …`);
  if (twice.length > 0)
    throw new Error(`${twice.length} devices run twice: ${twice.slice(0, 5).join(', ')} …`);
}

/** Until the registries of all nodes show so many devices, equally placed. */
async function untilAgreed(nodes, count) {
  await until(async () => {
    const lists = await Promise.all(nodes.map(({ url }) => demand('GET', `${url}/devices`)));
    const placements = lists.map(({ devices }) =>
      devices
        .map(({ name, node }) => `${name} ${node}`)
        .sort()
        .join(),
    );
    return lists.every((list) => list.count === count) && new Set(placements).size === 1;
  }, `the nodes do not agree about ${count} devices`);
}

/** Asks every device for its state, again and again until it answers. */
async function untilAllAnswer(ids, nodes) {
  const states = [];
  const deadline = performance.now() + PATIENCE_MS;
  await forEach(ids, AT_ONCE, async (id, index) => {
    for (;;) {
      const { status, body } = await request('GET', `${nodes[index % nodes.length].url}/devices/${id}`);
      if (status === 200) return void states.push(body);
      // 503: the call was under way when the process died. 504: it waited too long for the new one.
      if (status !== 503 && status !== 504) throw new Error(`${id} answered ${status}: ${body?.message}`);
      if (performance.now() > deadline) throw new Error(`${id} does not answer: ${body?.message}`);
      await sleep(20);
    }
  });
  return states;
}

/** @throws Error if the totals are not what they must be */
function tellLosses(restarted, untouched, victim) {
  if (restarted.some(({ model }) => model !== MODEL)) throw new Error('a device has lost its model');
  if (restarted.some(({ total }) => total !== 0))
    throw new Error('a device that was started again has a total');
  if (untouched.some(({ total }) => total !== READING))
    throw new Error('a device that ran elsewhere has lost readings');
  console.log();
  say('kept', `all readings of the ${number(untouched.length)} devices that ran elsewhere`);
  say(
    'lost',
    `the ${number(victim.readings)} readings that ${victim.name} held: its ${number(restarted.length)} devices were started`,
  );
  say('', 'again, with their models, and count from zero. A total is in memory only.');
}

async function until(condition, complaint) {
  const deadline = performance.now() + PATIENCE_MS;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`${complaint} after ${PATIENCE_MS / 1000} s`);
    await sleep(20);
  }
}
