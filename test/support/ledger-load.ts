import 'reflect-metadata';
import { closeSync, openSync, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { usd } from '../../src/common/money';
import { newId, prefixedId } from '../../src/common/id';
import { isOutage } from '../../src/common/outage';
import { topUpReceived } from '../../src/ledger/entries';
import { customerCredits } from '../../src/ledger/ledger-account';
import { LedgerAccountsService } from '../../src/ledger/ledger-accounts.service';
import { LedgerOutageError } from '../../src/ledger/ledger-error';
import { type LedgerHold, LedgerService } from '../../src/ledger/ledger.service';
import { bookCreditCall } from './books';
import { openWriter } from './ledger-writers';

/** One line of what callers were told. A refusal has no entry; an error has its code as verdict. */
export interface Told {
  readonly op: 'hold' | 'capture' | 'release' | 'post' | 'error';
  /** The hold's id, or the entry's key. */
  readonly id: string;
  readonly verdict: string;
  readonly entry?: string | undefined;
}

export interface LoadPlan {
  readonly databaseUrl: string;
  /** Receives `Told` as JSON, one a line, each written before anybody goes on. */
  readonly file: string;
  readonly customers: readonly string[];
  readonly callers: number;
  readonly holdSeconds: number;
}

const ATOMS = 1_000n;

/**
 * Callers who each do one thing after the other: a call (hold, then capture with its usage record and invoice, or a
 * release, or nothing at all, as after a crash) or a top-up. An outage is met by sending the same again.
 */
export async function runLoad(plan: LoadPlan): Promise<() => Promise<void>> {
  const { database, writer, stop } = await openWriter(plan.databaseUrl, 8);
  const file = openSync(plan.file, 'a');
  const tell = (told: Told) => void writeSync(file, `${JSON.stringify(told)}\n`);
  const ledger = toldOf(new LedgerService(writer, new LedgerAccountsService(database)), plan, tell);
  const life = { goesOn: true };
  const caller = async (n: number): Promise<void> => {
    for (let turn = n; life.goesOn; turn++) {
      const customerId = plan.customers[turn % plan.customers.length] as string;
      // What is not an outage was told with its code, and ends only this turn.
      await act(ledger, customerId, turn % 8).catch(() => sleep(20));
    }
  };
  const callers = Array.from({ length: plan.callers }, (_, n) => caller(n));
  return async () => {
    life.goesOn = false;
    await Promise.all(callers);
    await stop();
    closeSync(file);
  };
}

async function act(ledger: LedgerService, customerId: string, kind: number): Promise<void> {
  const app = { get: () => ledger } as never;
  if (kind < 5) return void (await bookCreditCall({ app }, { customerId, keyId: 'key_load', atoms: ATOMS }));
  const topUpId = prefixedId('top');
  const facts = { topUpId, customerId, gross: usd(ATOMS), fee: usd(1n), paymentIntentId: topUpId };
  if (kind === 5) return void (await ledger.post(topUpReceived(facts)));
  const hold = { id: newId(), account: customerCredits(customerId, 'USD'), amount: usd(ATOMS) };
  await ledger.hold(hold, new Date());
  if (kind === 6) await ledger.release(hold);
}

/** The same service, which tells what it answered and sends again what met an outage. */
function toldOf(ledger: LedgerService, plan: LoadPlan, tell: (told: Told) => void): LedgerService {
  const asked = async <Verdict extends { verdict: string; entryId?: string }>(
    op: Told['op'],
    id: string,
    ask: () => Promise<Verdict>,
  ): Promise<Verdict> => {
    for (;;) {
      try {
        const verdict = await ask();
        tell({ op, id, verdict: verdict.verdict, entry: verdict.entryId });
        return verdict;
      } catch (error) {
        tell({ op: 'error', id, verdict: String((error as { code?: unknown }).code ?? error) });
        if (!(error instanceof LedgerOutageError || isOutage(error))) throw error;
        await sleep(50);
      }
    }
  };
  const until = () => new Date(Date.now() + plan.holdSeconds * 1000);
  return {
    hold: (hold: LedgerHold) => asked('hold', hold.id, () => ledger.hold(hold, until())),
    capture: (...[hold, ...rest]: Parameters<LedgerService['capture']>) =>
      asked('capture', hold.id, () => ledger.capture(hold, ...rest)),
    release: (hold: LedgerHold) => asked('release', hold.id, () => ledger.release(hold)),
    post: (...[entry, ...rest]: Parameters<LedgerService['post']>) =>
      asked('post', entry.key, () => ledger.post(entry, ...rest)),
  } as unknown as LedgerService;
}
