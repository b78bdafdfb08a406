import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** The root of this repository. */
export const root = fileURLToPath(new URL('../../../', import.meta.url));

/** What npm and vitest tell their children about this repository; it must not reach another application. */
const OURS =
  /^(npm_package_|npm_lifecycle_|npm_config_local_prefix$|npm_command$|INIT_CWD$|NODE_ENV$|NODE_OPTIONS$|VITEST)/;

/** The environment of a process that knows nothing of this repository. */
export const cleanEnv: NodeJS.ProcessEnv = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !OURS.test(name)),
);

/** Runs a program to its end. @returns what it printed @throws Error with all that it printed if it fails */
export function run(program: string, args: readonly string[], cwd: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = {
      cwd,
      env: cleanEnv,
      maxBuffer: 64 * 1024 * 1024,
      shell: program === 'npm' && process.platform === 'win32',
    };
    const child = execFile(program, args, options, (error, stdout, stderr) => {
      if (error) reject(new Error(`${program} ${args.join(' ')} failed:\n${stdout}${stderr}`));
      else resolve(stdout);
    });
    // Nobody is there to answer a question.
    child.stdin?.end();
  });
}

/** Runs a script of a package of this repository, as the compiler. */
export function runTool(script: string, args: readonly string[], cwd: string): Promise<string> {
  return run(process.execPath, [`${root}node_modules/${script}`, ...args], cwd);
}
