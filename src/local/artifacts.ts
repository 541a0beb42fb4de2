import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Abi, Hex } from 'viem';

/** One compiled contract of `contracts/`. */
export interface Artifact {
  readonly abi: Abi;
  /** What creates it; constructor arguments go behind. */
  readonly bytecode: Hex;
  /** What then sits at its address. Immutables are zero in here. */
  readonly runtimeBytecode: Hex;
}

let contracts: Readonly<Record<string, Artifact>> | undefined;

/** Reads from `contracts/artifacts.json`, which `npm run contracts` writes. Throws on a name it does not hold. */
export function readArtifact(name: string): Artifact {
  contracts ??= (
    JSON.parse(readFileSync(join(packageRoot(), 'contracts', 'artifacts.json'), 'utf8')) as {
      contracts: Record<string, Artifact>;
    }
  ).contracts;
  const artifact = contracts[name];
  if (!artifact) throw new Error(`contracts/artifacts.json has no contract ${name}; run npm run contracts.`);
  return artifact;
}

/** The build copies no JSON and dist/ is deeper than src/, so the file is sought from the package's root. */
function packageRoot(): string {
  let directory = __dirname;
  while (!existsSync(join(directory, 'package.json'))) {
    if (dirname(directory) === directory)
      throw new Error('Tollbridge runs outside its package: no package.json above.');
    directory = dirname(directory);
  }
  return directory;
}
