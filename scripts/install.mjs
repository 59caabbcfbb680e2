// Makes every npm command of this repository work from a bare clone: installs the locked dependencies when they are
// missing or older than the lock file. Plain JavaScript, because it must also run on Node 20, before Node 24 is there.
import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const stamp = join(root, 'node_modules', '.package-lock.json');
const lock = join(root, 'package-lock.json');

if (!existsSync(stamp) || statSync(stamp).mtimeMs < statSync(lock).mtimeMs) {
  console.error('Installing the dependencies (npm ci), once …');
  // --ignore-scripts: nothing that we depend on needs an install script (the PostgreSQL package's links are made by us).
  const npm = spawnSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  });
  if (npm.status !== 0) {
    console.error('The installation failed. See the messages above; is the npm registry reachable?');
    process.exit(1);
  }
}
