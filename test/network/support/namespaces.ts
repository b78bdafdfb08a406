// What the tests ask of Debian's iproute2, many things in one call: a cut has to be quick.
import { spawn } from 'node:child_process';

/** Names of the network namespaces of this machine. */
export async function namespaces(): Promise<string[]> {
  const list = await run('ip', ['netns', 'list'], []);
  // `name` or `name (id: 3)`.
  return list
    .split('\n')
    .map((line) => line.split(' ')[0]!)
    .filter(Boolean);
}

/** Ends the processes that run in these namespaces, stopped ones too, and removes the namespaces. */
export async function removeAll(names: readonly string[]): Promise<void> {
  if (names.length === 0) return;
  const pids = await Promise.all(names.map((name) => run('ip', ['netns', 'pids', name], [])));
  for (const pid of pids.flatMap((lines) => lines.split('\n')).filter(Boolean)) {
    try {
      process.kill(Number(pid), 'SIGKILL');
    } catch (error) {
      // It has ended by itself meanwhile.
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
  await ip(names.map((name) => `netns del ${name}`));
}

/** Commands of `ip`, in order, in the given namespace or in none. */
export async function ip(commands: readonly string[], namespace?: string): Promise<void> {
  const inside = namespace === undefined ? [] : ['-n', namespace];
  await run('ip', [...inside, '-batch', '-'], commands);
}

/**
 * Runs a command with these lines as its input; what it prints.
 *
 * @throws Error with what it said if it fails
 */
export function run(command: string, args: readonly string[], input: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    let printed = '';
    let said = '';
    child.stdout.on('data', (text) => (printed += String(text)));
    child.stderr.on('data', (text) => (said += String(text)));
    // It may have ended without reading all of it; then its exit code says so.
    child.stdin.on('error', () => undefined);
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve(printed);
      else reject(new Error([`${command} ${args.join(' ')}: ${said.trim()}`, ...input].join('\n')));
    });
    child.stdin.end(input.map((line) => `${line}\n`).join(''));
  });
}
