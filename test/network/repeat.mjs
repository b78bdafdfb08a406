// Runs the scenarios of cut networks again and again: `npm run test:network -- --repeat 20 --only "flaps" --burn 30`.
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    repeat: { type: 'string', default: '1' },
    only: { type: 'string', default: '' },
    /** Seconds for which all cores are kept busy in the scenario that does so. */
    burn: { type: 'string', default: '30' },
  },
});

for (const args of [
  ['node', ['test/prepare.mjs']],
  ['npm', ['run', '--silent', 'build']],
  ['npm', ['run', '--silent', 'build:apps']],
]) {
  const { status } = spawnSync(args[0], args[1], { stdio: 'inherit' });
  if (status !== 0) process.exit(1);
}
const env = {
  ...process.env,
  NETWORK_REPEAT: values.repeat,
  NETWORK_ONLY: values.only,
  NETWORK_BURN_S: values.burn,
};
const { status } = spawnSync('npx', ['vitest', 'run', '--project=network'], { stdio: 'inherit', env });
process.exit(status ?? 1);
