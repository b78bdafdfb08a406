// `npm run simulate:slices -- [--names 100000] [--seed 1]`: whether any task of a node among so many names holds its
// event loop for longer than is promised.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const { values } = parseArgs({
  options: { names: { type: 'string', default: '100000' }, seed: { type: 'string', default: '1' } },
});
const { status } = spawnSync(
  process.execPath,
  [
    'node_modules/vitest/vitest.mjs',
    ...['run', 'test/simulation/slices/slices.simulation.spec.ts', '--project=unit', '--testTimeout=900000'],
  ],
  { cwd: root, stdio: 'inherit', env: { ...process.env, NAMES: values.names, SEED: values.seed } },
);
process.exit(status ?? 1);
