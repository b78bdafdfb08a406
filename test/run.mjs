// Everything that must hold, in order of cost; ends with one line "N passed, N failed".
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const results = mkdtempSync(join(tmpdir(), 'nestjs-swarm-test-'));
let passed = 0;
let failed = 0;

/** Runs a command; true if it ended well. */
function run(title, command, args) {
  console.log(`\n> ${title}`);
  const began = Date.now();
  const { status } = spawnSync(command, args, { stdio: 'inherit', shell: process.platform === 'win32' });
  console.log(
    `  ${title}: ${status === 0 ? 'ok' : 'FAILED'} in ${((Date.now() - began) / 1000).toFixed(1)} s`,
  );
  return status === 0;
}

function count(ok) {
  if (ok) passed++;
  else failed++;
  return ok;
}

/** A step that is one check. */
function check(title, command, args) {
  return count(run(title, command, args));
}

/** Checks that do not need each other, side by side; what each printed is shown when it has ended. Resolves to which are ok. */
async function checks(...titles) {
  const began = Date.now();
  const ended = titles.map(
    ([title, script]) =>
      new Promise((resolve) => {
        const child = spawn('npm', ['run', '--silent', script], { shell: process.platform === 'win32' });
        const printed = [];
        child.stdout.on('data', (chunk) => printed.push(chunk));
        child.stderr.on('data', (chunk) => printed.push(chunk));
        child.on('error', (error) => printed.push(Buffer.from(String(error))));
        child.on('close', (status) => {
          console.log(`\n> ${title}`);
          process.stdout.write(Buffer.concat(printed));
          const seconds = ((Date.now() - began) / 1000).toFixed(1);
          console.log(`  ${title}: ${status === 0 ? 'ok' : 'FAILED'} in ${seconds} s`);
          resolve(count(status === 0));
        });
      }),
  );
  return Promise.all(ended);
}

/** A step whose tests are counted one by one. */
function tests(project, ...options) {
  const report = join(results, `${project}.json`);
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const args = ['vitest', 'run', `--project=${project}`, ...options, ...reporters];
  const ok = run(`${project} tests`, 'npx', args);
  try {
    const { numPassedTests, numFailedTests } = JSON.parse(readFileSync(report, 'utf8'));
    passed += numPassedTests;
    failed += numFailedTests;
    // A file that could not be loaded, or an error outside of a test, fails no test and still fails.
    if (!ok && numFailedTests === 0) failed++;
  } catch {
    failed++;
  }
}

const [, , isBuilt] = await checks(['lint', 'lint'], ['typecheck', 'typecheck'], ['build', 'build']);
// They are built against the library as it is built.
if (isBuilt && check('build of the test applications', 'npm', ['run', '--silent', 'build:apps'])) {
  check('programs that tests use', 'node', ['test/prepare.mjs']);
  // Without it one core is left free, which of two is half of the machine.
  tests('unit', '--maxWorkers=100%');
  check('2,000 simulated histories', 'node', ['test/simulation/simulate.mjs', '--seeds', '2000']);
  tests('processes');
  tests('network');
}
rmSync(results, { recursive: true, force: true });

console.log(`\n${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
