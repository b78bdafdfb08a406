import { afterEach, expect, it } from 'vitest';
import { AppError, AppProcess } from './support/app-process.js';

const processes: AppProcess[] = [];

afterEach(async () => {
  await Promise.all(processes.splice(0).map((app) => app.end()));
});

it('a worker of a killed process answers again on the other', async () => {
  const env = { CLUSTER: `failover-${process.pid}` };
  const [a, b] = await Promise.all([
    AppProcess.start('counter.app', env),
    AppProcess.start('counter.app', env),
  ]);
  processes.push(a, b);
  await Promise.all([a.ask('ready', 2), b.ask('ready', 2)]);

  const names = Array.from({ length: 100 }, (_, i) => `worker-${i}`);
  const refs = await Promise.all(
    names.map((name) => a.ask<{ name: string; node: string }>('register', name)),
  );
  const onB = refs.filter(({ node }) => node === b.node);
  expect(onB.length).toBeGreaterThan(10);
  for (const { name } of onB) expect(await a.ask('call', name, 'add', 5)).toBe(5);

  await b.end('SIGKILL');
  for (const { name } of onB) expect(await untilReached(() => a.ask('call', name, 'add', 7))).toBe(7);
  expect(await a.ask('count')).toBe(100);
});

/** A call that was under way when the node died may or may not have been handled; it is asked again. */
async function untilReached<T>(call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'ERR_SWARM_NODE_UNAVAILABLE') throw error;
    }
  }
}
