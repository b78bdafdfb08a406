// Builds the library and the sample, when what is built is missing or older than its sources.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const SAMPLE = 'sample/02-rolling-deploy';
const root = fileURLToPath(new URL('../../../', import.meta.url));
const settings = [
  'package.json',
  'tsconfig.json',
  'tsconfig.build.json',
  'tsconfig.apps.json',
  'nest-cli.json',
];
const steps = [
  { script: 'build', output: 'dist', proof: 'dist/index.js', sources: ['lib', ...settings] },
  {
    script: 'build:apps',
    output: 'build/sample',
    proof: `build/${SAMPLE}/src/main.js`,
    sources: [`${SAMPLE}/src`, 'dist/index.d.ts', ...settings],
  },
];

/** The compiled sample. */
export const main = join(root, `build/${SAMPLE}/src/main.js`);

/** @returns whether anything had to be built */
export async function ensureBuilt() {
  if (!existsSync(join(root, 'node_modules/@nestjs/core'))) {
    throw new Error('the dependencies are missing: run "npm ci" first');
  }
  let built = false;
  for (const step of steps) {
    const proof = modified(join(root, step.proof));
    if (proof > Math.max(...step.sources.map((source) => newest(join(root, source))))) continue;
    await build(step);
    built = true;
  }
  return built;
}

async function build({ script, output }) {
  const npm = spawn('npm', ['run', '--silent', script], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    shell: process.platform === 'win32',
  });
  let text = '';
  for (const stream of [npm.stdout, npm.stderr]) stream.on('data', (chunk) => (text += String(chunk)));
  const [code] = await once(npm, 'close');
  if (code === 0) return;
  // What a failed build has written must not pass for a good one at the next run.
  rmSync(join(root, output), { recursive: true, force: true });
  throw new Error(`"npm run ${script}" failed:\n${text}`);
}

/** Of a folder also its own time: it changes when a file is removed. */
function newest(path) {
  const own = modified(path);
  if (own === 0 || !statSync(path).isDirectory()) return own;
  return Math.max(own, ...readdirSync(path).map((name) => newest(join(path, name))));
}

function modified(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
