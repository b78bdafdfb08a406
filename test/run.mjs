// Everything that must hold, in order of cost; ends with one line "N passed, N failed".
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { constants, setPriority, tmpdir } from 'node:os';
import { join } from 'node:path';

const results = mkdtempSync(join(tmpdir(), 'nestjs-swarm-test-'));
let passed = 0;
let failed = 0;

/** Runs a command and shows what it prints; resolves to whether it ended well. */
function run(title, command, args) {
  console.log(`\n> ${title}`);
  return ended(title, spawn(command, args, { stdio: 'inherit', shell: process.platform === 'win32' }));
}

function ended(title, child, shown = () => undefined) {
  const began = Date.now();
  return new Promise((resolve) => {
    child.on('error', (error) => console.error(String(error)));
    child.on('close', (status) => {
      shown();
      const seconds = ((Date.now() - began) / 1000).toFixed(1);
      console.log(`  ${title}: ${status === 0 ? 'ok' : 'FAILED'} in ${seconds} s`);
      resolve(status === 0);
    });
  });
}

function count(ok) {
  if (ok) passed++;
  else failed++;
  return ok;
}

/** A step that is one check. */
async function check(title, command, args) {
  return count(await run(title, command, args));
}

/**
 * A check beside which others run; what it printed is shown when it has ended. `yields`: what runs beside it comes first, as
 * it looks at real time.
 */
async function checkBeside(title, command, args, yields = false) {
  const child = spawn(command, args, { shell: process.platform === 'win32' });
  if (yields && child.pid !== undefined) setPriority(child.pid, constants.priority.PRIORITY_LOW);
  const printed = [];
  child.stdout.on('data', (chunk) => printed.push(chunk));
  child.stderr.on('data', (chunk) => printed.push(chunk));
  const show = () => {
    console.log(`\n> ${title}`);
    process.stdout.write(Buffer.concat(printed));
  };
  return count(await ended(title, child, show));
}

/** A step whose tests are counted one by one. */
async function tests(project, ...options) {
  const report = join(results, `${project}.json`);
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const args = ['vitest', 'run', `--project=${project}`, ...options, ...reporters];
  const ok = await run(`${project} tests`, 'npx', args);
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

const [, , isBuilt] = await Promise.all(
  ['lint', 'typecheck', 'build'].map((script) => checkBeside(script, 'npm', ['run', '--silent', script])),
);
// They are built against the library as it is built.
if (isBuilt && (await check('build of the test applications', 'npm', ['run', '--silent', 'build:apps']))) {
  await check('programs that tests use', 'node', ['test/prepare.mjs']);
  // Without it one core is left free, which of two is half of the machine.
  await tests('unit', '--maxWorkers=100%');
  await tests('processes');
  // Scenarios wait most of their time, and histories, in virtual time, take as long as they need.
  const histories = ['test/simulation/simulate.mjs', '--seeds', '2000'];
  await Promise.all([checkBeside('2,000 simulated histories', 'node', histories, true), tests('network')]);
}
rmSync(results, { recursive: true, force: true });

console.log(`\n${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
