import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort, untilAnswers } from './servers';

const VERSION = '1.15.2';
const FOLDER = join(process.cwd(), '.local', 'bench', 'portkey');
const ENTRY = join(FOLDER, 'node_modules', '@portkey-ai', 'gateway', 'build', 'start-server.js');

/** Portkey's open-source gateway, installed beside the product and not into it. It proxies without billing. */
export async function startPortkey(): Promise<{ url: string; stop(): Promise<void> }> {
  install();
  const port = await freePort();
  const child = spawn(process.execPath, [ENTRY, `--port=${port}`, '--headless'], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, NODE_ENV: 'production', TRUSTED_CUSTOM_HOSTS: '127.0.0.1,localhost' },
  });
  await untilAnswers(`http://127.0.0.1:${port}/`);
  return { url: `http://127.0.0.1:${port}`, stop: () => ended(child) };
}

function install(): void {
  if (existsSync(ENTRY)) return;
  process.stderr.write(`installing @portkey-ai/gateway ${VERSION} into .local/bench …\n`);
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(join(FOLDER, 'package.json'), '{ "private": true }');
  execFileSync('npm', ['install', '--no-audit', '--no-fund', '--no-save', `@portkey-ai/gateway@${VERSION}`], {
    cwd: FOLDER,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

async function ended(child: ChildProcess): Promise<void> {
  const exit = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), 2000);
  await exit;
  clearTimeout(timer);
}
