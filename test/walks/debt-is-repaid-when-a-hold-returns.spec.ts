import { newId, prefixedId } from '../../src/common/id';
import { usd } from '../../src/common/money';
import { callCaptured } from '../../src/ledger/entries';
import { customerCredits, customerReceivable } from '../../src/ledger/ledger-account';
import { LedgerAccountsService } from '../../src/ledger/ledger-accounts.service';
import { LedgerService } from '../../src/ledger/ledger.service';
import { ReceivablesService } from '../../src/ledger/receivables.service';
import { startTestApp, type TestApp } from '../support/app';
import { giveCredit } from '../support/world';

let app: TestApp;

beforeAll(async () => {
  app = await startTestApp({ JOBS_IN_PROCESS: 'false' });
});
afterAll(() => app?.stop());

test('a debt made while another call held the balance is repaid when that hold returns, and calls work again', async () => {
  const ledger = app.app.get(LedgerService);
  const accounts = app.app.get(LedgerAccountsService);
  const receivables = app.app.get(ReceivablesService);
  const customerId = prefixedId('cus');
  const credits = customerCredits(customerId, 'USD');
  const later = new Date(Date.now() + 60_000);
  await giveCredit(app, customerId, 10n);
  const [large, small] = [9n, 1n].map((atoms) => ({ id: newId(), account: credits, amount: usd(atoms) }));
  if (!large || !small) throw new Error('two holds');
  await ledger.hold(large, later);
  await ledger.hold(small, later);

  await ledger.capture(small, callCaptured({ callId: small.id, customerId, charge: usd(3n) }));
  expect(await accounts.balance(credits)).toMatchObject({ frozen: true, available: usd(0n) });
  expect(await receivables.repayFromCredit()).toBe(0);

  await ledger.release(large);
  expect(await receivables.repayFromCredit()).toBe(1);

  expect(await accounts.balance(credits)).toMatchObject({ frozen: false, available: usd(7n) });
  expect((await accounts.balance(customerReceivable(customerId, 'USD'))).posted).toEqual(usd(0n));
  expect(await ledger.hold({ id: newId(), account: credits, amount: usd(7n) }, later)).toEqual({ verdict: 'held' });
});
