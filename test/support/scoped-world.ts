import { expectSoundBooks, json, query } from './calls';
import { GrantsWorld } from './grants-world';
import { brokenInvariants } from './invariants';
import { startWorld, type World } from './world';

/** A world whose grants are for the model "flat" alone, which costs ten cents a call. */
export interface ScopedWorld extends World {
  readonly grants: GrantsWorld;
  give(customerId: string, atoms: bigint, more?: Parameters<GrantsWorld['giveFor']>[3]): Promise<string>;
  /** Who paid for the newest call, in the order of the lines. */
  payers(customerId: string): Promise<[account: string, atoms: bigint][]>;
  /** The newest two. */
  lastHolds(customerId: string): Promise<{ state: string; atoms: bigint }[]>;
  sound(): Promise<void>;
}

export const FLAT = { model: 'flat' };

export async function startScopedWorld(): Promise<ScopedWorld> {
  const world = await startWorld({ JOBS_IN_PROCESS: 'false' });
  const grants = new GrantsWorld(world);
  return {
    ...world,
    grants,
    give: (customerId, atoms, more = {}) => grants.giveFor(['flat'], customerId, atoms, more),
    payers: async (customerId) =>
      (
        await query(
          world,
          `SELECT debit.code, atoms FROM postings JOIN ledger_accounts debit ON debit.id = debit_account_id
            WHERE entry_id = (SELECT max(entry_id) FROM postings WHERE kind = 'call_captured' AND customer_id = $1)
            ORDER BY line`,
          [customerId],
        )
      ).map(({ code, atoms }) => [code.replace(`customer:${customerId}:`, ''), atoms]),
    lastHolds: (customerId) =>
      query(world, `SELECT state, atoms FROM holds WHERE customer_id = $1 ORDER BY opened_at DESC, id DESC LIMIT 2`, [
        customerId,
      ]),
    sound: async () => {
      await expectSoundBooks(world);
      expect(await brokenInvariants((sql, parameters) => query(world, sql, parameters))).toEqual([]);
    },
  };
}

export const refusalOf = async (response: Response): Promise<[number, string]> => [
  response.status,
  (await json(response)).code,
];
