// `npm run fuzz -- [--cases 1000000] [--first 1]`: so many cases of bytes from a broken or hostile peer, by seed.
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: { cases: { type: 'string', default: '1000000' }, first: { type: 'string', default: '1' } },
});
const env = {
  ...process.env,
  FUZZ_CASES: values.cases,
  FUZZ_FIRST: values.first,
  NODE_OPTIONS: '--expose-gc',
};
const { status } = spawnSync('npx', ['vitest', 'run', '--project=unit', 'test/fuzz'], {
  stdio: 'inherit',
  env,
});
process.exit(status ?? 1);
