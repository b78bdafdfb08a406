// Installs the programs that tests use, where they are missing and can be installed. Tests without theirs are skipped, and
// fail where CI=true.
import { spawnSync } from 'node:child_process';
import { delimiter } from 'node:path';

/** How each is asked whether it is there, and the Debian package that it is in. */
const TOOLS = [
  { tool: 'ip', args: ['-V'], name: 'iproute2', use: 'tests that cut networks' },
  { tool: 'nft', args: ['-V'], name: 'nftables', use: 'tests that cut networks' },
  { tool: 'dnsmasq', args: ['--version'], name: 'dnsmasq-base', use: 'tests with a DNS server' },
  { tool: 'openssl', args: ['version'], name: 'openssl', use: 'tests with certificates' },
];
// Where Debian puts some is not in the path of every user.
const env = {
  ...process.env,
  PATH: [process.env.PATH, '/usr/sbin', '/sbin'].join(delimiter),
  DEBIAN_FRONTEND: 'noninteractive',
};

const missingTools = () =>
  TOOLS.filter(({ tool, args }) => spawnSync(tool, args, { stdio: 'ignore', env }).error);
const missing = missingTools();
if (missing.length > 0) {
  const names = missing.map(({ name }) => name);
  const isRoot = process.getuid?.() === 0;
  const hasApt = !spawnSync('apt-get', ['--version'], { stdio: 'ignore' }).error;
  if (process.platform !== 'linux' || !isRoot || !hasApt) {
    for (const { name, use } of missing) console.log(`not installed: ${name}; ${use} do not run`);
  } else {
    const run = (args) => spawnSync('apt-get', args, { stdio: 'inherit', env }).status === 0;
    const install = ['install', '-y', '--no-install-recommends', ...names];
    // The lists of a fresh machine are empty.
    if (!run(install) && !(run(['update']) && run(install))) process.exit(1);
    const still = missingTools();
    for (const { tool, name } of still) console.log(`${name} is installed, but ${tool} cannot be run`);
    if (still.length > 0) process.exit(1);
  }
}
