import type { TestApp } from './app';
import { query } from './calls';

/**
 * As time does, in less than a minute: whoever was killed is taken for dead, and what it had in its hands is anybody's.
 * Only where nobody who is alive holds a lease.
 */
export async function leasesRunOut(world: Pick<TestApp, 'app'>): Promise<void> {
  const ago = `now() - interval '1 second'`;
  await query(world, `UPDATE claims SET lease_until = ${ago} WHERE state IN ('working', 'settling', 'promised')`);
  await query(world, `UPDATE withdrawals SET lease_until = ${ago} WHERE state = 'settling'`);
  await query(world, `UPDATE job_schedules SET locked_until = ${ago} WHERE claim IS NOT NULL`);
}
