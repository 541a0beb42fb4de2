import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const root = join(__dirname, '..', '..');

/** The product as `npm run build` makes it, in a directory of its own: others may be building or running `dist`. */
export interface Build {
  /** The path of a compiled file: `src/cli.js`. */
  file(path: string): string;
  remove(): void;
}

/** Compiles what is on disk now. Inside `node_modules`, where it finds the packages and git does not look. */
export function build(): Build {
  const cache = join(root, 'node_modules', '.cache');
  mkdirSync(cache, { recursive: true });
  const out = mkdtempSync(join(cache, 'tollbridge-build-'));
  const swc = join(root, 'node_modules', '@swc', 'cli', 'bin', 'swc.js');
  const args = [swc, 'src', 'migrations', '--out-dir', out, '--config-file', '.swcrc', '--ignore', '**/*.spec.ts'];
  execFileSync(process.execPath, args, { cwd: root, stdio: 'pipe' });
  return { file: (path) => join(out, path), remove: () => rmSync(out, { recursive: true, force: true }) };
}
