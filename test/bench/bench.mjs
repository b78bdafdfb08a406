// `npm run bench -- [--only "B3 call"] [--repeats 5] [--json file] [--profile folder]`: builds what is older than its
// sources, then measures.
import { spawnSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));
const settings = ['package.json', 'tsconfig.json', 'tsconfig.build.json', 'tsconfig.apps.json'];
const main = 'build/test/bench/main.js';

build('build', 'dist/index.js', ['lib', ...settings]);
build('build:apps', main, ['test/bench', 'dist/index.d.ts', ...settings]);
await import(new URL(`../../${main}`, import.meta.url).href);

/** Runs a script of package.json if its output is missing or older than one of the sources. */
function build(script, output, sources) {
  if (modified(output) > Math.max(...sources.map(newest))) return;
  console.log(`npm run ${script}`);
  const shell = process.platform === 'win32';
  const { status } = spawnSync('npm', ['run', '--silent', script], { cwd: root, stdio: 'inherit', shell });
  if (status !== 0) process.exit(1);
}

/** Of a folder also its own time: it changes when a file is removed. */
function newest(path) {
  const own = modified(path);
  if (own === 0 || !statSync(join(root, path)).isDirectory()) return own;
  return Math.max(own, ...readdirSync(join(root, path)).map((name) => newest(join(path, name))));
}

function modified(path) {
  return statSync(join(root, path), { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
