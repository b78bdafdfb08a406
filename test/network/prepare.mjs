// Installs what the networks of the tests are made with, where it is missing and can be installed: `ip` and `nft`.
import { spawnSync } from 'node:child_process';

const PACKAGES = { ip: 'iproute2', nft: 'nftables' };

const missing = Object.entries(PACKAGES)
  .filter(([tool]) => spawnSync(tool, ['-V'], { stdio: 'ignore' }).error)
  .map(([, name]) => name);
if (missing.length > 0) {
  const isRoot = process.getuid?.() === 0;
  const hasApt = !spawnSync('apt-get', ['--version'], { stdio: 'ignore' }).error;
  if (process.platform !== 'linux' || !isRoot || !hasApt) {
    console.log(`not installed: ${missing.join(', ')}; tests that cut networks are skipped`);
  } else {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    const run = (args) => spawnSync('apt-get', args, { stdio: 'inherit', env }).status === 0;
    const install = ['install', '-y', '--no-install-recommends', ...missing];
    // The lists of a fresh machine are empty.
    if (!run(install) && !(run(['update']) && run(install))) process.exit(1);
  }
}
