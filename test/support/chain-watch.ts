import { parseAbi } from 'viem';
import type { SideReport } from '../../src/common/reconciliation-side';
import { ChainReconciliation } from '../../src/payments/chain-watch/chain-reconciliation.service';
import { DatabaseService } from '../../src/database/database.service';
import type { TestApp } from './app';

/** The chain's side of a reconciliation, as of now. */
export function reconcileChain(world: Pick<TestApp, 'app'>, tell: (told: string) => void = () => undefined) {
  const window = { from: new Date(0), until: new Date() };
  return world.app.get(ChainReconciliation).reconcile(window, tell);
}

/** Everything matches, and the balances are equal: nothing waits, either. */
export function expectAllMatched({ findings, balances, counts }: SideReport): void {
  expect(findings).toEqual([]);
  expect(counts['waiting']).toBe(0);
  for (const { ours, theirs } of balances) expect(theirs).toEqual(ours);
}

/** As if everything that is on one side only had been there for two hours. */
export async function twoHoursPass(world: Pick<TestApp, 'app'>): Promise<void> {
  const database = world.app.get(DatabaseService);
  await database.query(`UPDATE chain_transfers SET mined_at = mined_at - interval '2 hours' WHERE state = 'open'`);
  await database.query(`UPDATE chain_bookings SET posted_at = posted_at - interval '2 hours' WHERE state = 'open'`);
}

export const TRANSFER_ABI = parseAbi(['function transfer(address to, uint256 amount) returns (bool)']);
