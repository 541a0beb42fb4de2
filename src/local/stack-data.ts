import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { clearLeftovers } from './leftovers';

/** Ends what a crashed run left on this data, then removes the data: a server on deleted files would live on. */
export async function forget(directory: string): Promise<void> {
  const cluster = join(directory, 'postgres', 'cluster');
  const state = join(directory, 'chain.json');
  await clearLeftovers(join(directory, 'postgres', 'postgres.owner'), 'PostgreSQL', ({ cwd }) => cwd === cluster);
  await clearLeftovers(`${state}.owner`, 'anvil', ({ command }) => command.includes(`--state ${state} `));
  for (const name of ['postgres', 'stripe.json', 'chain.json', 'chain.json.previous', 'chain.json.owner']) {
    rmSync(join(directory, name), { recursive: true, force: true });
  }
}
