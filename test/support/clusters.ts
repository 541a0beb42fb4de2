import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryPlace } from '../../src/local/temporary-place';

const PREFIX = 'tollbridge-test-clusters-';

/**
 * Where the workers of this run of jest keep the clusters that their specs copy (`migrated-postgres.ts`). What a run
 * that was killed left behind is removed by the next.
 */
export default function setUp(): void {
  const place = temporaryPlace();
  for (const name of readdirSync(place).filter((entry) => entry.startsWith(PREFIX))) {
    if (!isAlive(Number(name.slice(PREFIX.length)))) rmSync(join(place, name), { recursive: true, force: true });
  }
  const directory = join(place, `${PREFIX}${process.pid}`);
  mkdirSync(directory, { recursive: true, mode: 0o755 });
  process.env['TOLLBRIDGE_TEST_CLUSTERS'] = directory;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
