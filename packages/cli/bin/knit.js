#!/usr/bin/env node
// Starts the command on a Node that runs TypeScript. Plain JavaScript, because a machine's own Node may be older: then
// the Node that was installed with the dependencies takes over.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import module from 'node:module';
import { constants, homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const [major, minor] = process.versions.node.split('.').map(Number);
const runsTypeScript = major > 22 || (major === 22 && minor >= 18);

if (runsTypeScript) {
  // Compiled code is kept for the next time, which then starts three times as fast. It has to be where nobody else writes.
  module.enableCompileCache(join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'knit'));
  const { main } = await import('../src/main.ts');
  await main(process.argv.slice(2));
} else {
  startWith(installedNode());
}

/** The Node in the nearest node_modules folder, upwards from here. */
function installedNode() {
  const name = join('node_modules', `node-${process.platform}-${process.arch}`, 'bin', 'node');
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    if (existsSync(join(folder, name))) return join(folder, name);
    if (folder === dirname(folder)) return undefined;
  }
}

function startWith(node) {
  if (node === undefined) {
    console.error(`knit: it needs Node 22.18 or newer, and this is Node ${process.versions.node}.`);
    console.error('Install the dependencies with `npm ci`, which bring one, or install a newer Node.');
    process.exit(1);
  }
  const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: 'inherit' });
  // A terminal sends its signals to the child as well, which ends in its own way.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      if (signal !== 'SIGINT') child.kill(signal);
    });
  }
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? 128 + constants.signals[signal];
  });
}
