import { chmodSync, copyFileSync, existsSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { LocalProcessError } from './local-process.error';
import { makeExecutable } from './postgres-runtime';

/**
 * The path of the anvil program: from the npm package for this machine, else from the PATH.
 *
 * @param scratch A directory of the caller's, for a copy when the package's own file cannot be made executable.
 * @throws LocalProcessError `package_missing`
 */
export function findAnvil(scratch: string): string {
  const name = `@foundry-rs/anvil-${process.platform}-${process.arch === 'x64' ? 'amd64' : process.arch}`;
  let manifest: string;
  try {
    manifest = require.resolve(`${name}/package.json`);
  } catch {
    const installed = onPath('anvil');
    if (installed) return installed;
    throw new LocalProcessError(
      'package_missing',
      `Neither the npm package ${name}, which holds the local chain for this machine, nor an anvil on the PATH is here.`,
      `Run npm install without --omit=optional. Where npm has no such package, install Foundry, or point EVM_RPC_URL at a chain.`,
    );
  }
  const program = process.platform === 'win32' ? 'anvil.exe' : 'anvil';
  return executable(join(dirname(manifest), 'bin', program), scratch);
}

function onPath(program: string): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  return folders.map((folder) => join(folder, program)).find((file) => existsSync(file));
}

/** npm's install scripts may not have run and left the execute bit unset, in a node_modules we may not write. */
function executable(file: string, scratch: string): string {
  try {
    makeExecutable(file);
    return file;
  } catch {
    const copy = join(scratch, 'anvil');
    copyFileSync(file, copy);
    chmodSync(copy, 0o755);
    return copy;
  }
}
