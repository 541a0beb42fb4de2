import { canonicalHash } from '../../src/common/canonical-json';
import { merchantPayable } from '../../src/ledger/ledger-account';
import { LedgerAccountsService } from '../../src/ledger/ledger-accounts.service';
import { CommitmentSweeper } from '../../src/payments/authority/commitment-sweeper.service';
import { booksOf, json, post, query } from '../support/calls';
import {
  attestationOf,
  authorize,
  claimsIn,
  type CreditWorld,
  expectCreditBooks,
  facilitate,
  type Open,
  registerServer,
  startCreditWorld,
} from '../support/credit-world';
import { customerWith } from '../support/world';

/*
 * The draft `credit` binding of x402 batch-settlement, sections on verification, settlement and revocation: what an
 * authority must do, one test each.
 */

const CENT = 10_000_000n;

let world: CreditWorld;
let shop: { id: string; key: string; origin: string };
let bundle: { customerId: string; key: string };
let attestation: string;

beforeAll(async () => {
  world = await startCreditWorld({ env: { JOBS_IN_PROCESS: 'false' } });
  shop = await registerServer(world, 'https://shop.example');
});
beforeEach(async () => {
  bundle = await customerWith(world, 100n * CENT);
  attestation = await attestationOf(authorize(world, bundle, { resource: `${shop.origin}/paid` }));
});
afterEach(() => expectCreditBooks(world));
afterAll(() => world?.stop());

const verify = (change: Parameters<typeof facilitate>[4] = {}) =>
  facilitate(world, 'verify', shop, attestation, change);
const settle = (amount: string, server = shop): Promise<Open> =>
  facilitate(world, 'settle', server, attestation, { requirements: { amount } });
const books = async () => {
  const { available, held } = await booksOf(world, bundle.customerId);
  return { spent: 100n * CENT - available.atoms - held.atoms, held: held.atoms };
};
const jti = () => claimsIn(attestation).jti;
const revoke = () => post(world, `/admin/commitments/${jti()}/revoke`, world.adminToken, {});
/** As if the time had come: the clock of a signature cannot be moved. */
const pass = (column: 'hold_exp') => query(world, `UPDATE commitments SET ${column} = now() WHERE jti = $1`, [jti()]);

describe('verify', () => {
  test('says who pays, and changes nothing', async () => {
    expect(await verify()).toEqual({ isValid: true, payer: bundle.customerId });
    expect(await books()).toEqual({ spent: 0n, held: 5n * CENT });
  });

  test('less than was attested may be asked', async () => {
    expect(await verify({ requirements: { amount: '3' } })).toMatchObject({ isValid: true });
  });

  test.each<[string, Parameters<typeof facilitate>[4], string]>([
    ['more than was attested', { requirements: { amount: '6' } }, 'price_not_acceptable'],
    ['no amount', { requirements: { amount: 'x' } }, 'price_not_acceptable'],
    ['another asset', { requirements: { asset: 'EUR' } }, 'attestation_invalid'],
    ['another resource', { payload: { resource: { url: 'https://shop.example/other' } } }, 'attestation_invalid'],
    ['no resource', { payload: { resource: undefined } }, 'attestation_invalid'],
    ['no attestation', { payload: { payload: { type: 'consume' } } }, 'attestation_invalid'],
    ['another type of payload', { payload: { payload: { type: 'voucher' } } }, 'attestation_invalid'],
  ])('%s', async (_what, change, invalidReason) => {
    expect(await verify(change)).toMatchObject({ isValid: false, invalidReason });
  });

  test('a broken signature', async () => {
    attestation = `${attestation.slice(0, -8)}AAAAAAAA`;
    expect(await verify()).toEqual({ isValid: false, invalidReason: 'attestation_invalid' });
    attestation = await attestationOf(authorize(world, bundle, { resource: `${shop.origin}/paid` }));
  });

  test('one that another server was given', async () => {
    const other = await registerServer(world, `https://${crypto.randomUUID()}.example`);
    const answer = await facilitate(world, 'verify', other, attestation, {
      payload: { resource: { url: `${shop.origin}/paid` } },
    });
    expect(answer).toMatchObject({ isValid: false, invalidReason: 'attestation_invalid' });
  });

  test('one that is bound to requirements is good for these alone', async () => {
    const accepted = { scheme: 'batch-settlement', network: 'tollbridge:credit', amount: '5', asset: 'USD' };
    const resource = `sha256:${canonicalHash(accepted)}`;
    attestation = await attestationOf(authorize(world, bundle, { resource, audience: shop.origin }));

    expect(await verify({ payload: { accepted } })).toMatchObject({ isValid: true });
    expect(await verify({ payload: { accepted: { ...accepted, amount: '4' } } })).toMatchObject({ isValid: false });
  });

  test('one that was settled', async () => {
    await settle('1');
    expect(await verify()).toMatchObject({ isValid: false, invalidReason: 'attestation_invalid' });
  });

  test('one that was revoked', async () => {
    await revoke();
    expect(await verify()).toMatchObject({ isValid: false, invalidReason: 'attestation_revoked' });
  });

  test.each(['verify', 'settle'] as const)('nobody but a registered server may %s', async (what) => {
    const { key } = bundle;
    for (const stranger of [key, world.adminToken, `tbs_${'a'.repeat(43)}`]) {
      expect(await facilitate(world, what, { ...shop, key: stranger }, attestation)).toMatchObject({
        status: 401,
        code: 'unauthorized_server',
        success: false,
        errorReason: 'unauthorized_server',
      });
    }
  });
});

describe('settle', () => {
  test('charges the actual amount, credits the rest again, and owes it to the server', async () => {
    const earned = async () =>
      (await world.app.get(LedgerAccountsService).balance(merchantPayable(shop.id))).posted.atoms;
    const before = await earned();

    expect(await settle('3')).toEqual({
      success: true,
      transaction: '',
      network: 'tollbridge:credit',
      payer: bundle.customerId,
      amount: '',
      extra: {
        commitmentId: jti(),
        chargedAmount: '3',
        tollbridge: { chargedNanoUsd: '30000000' },
        bundleState: { bundleId: bundle.customerId, balance: '97', asset: 'USD', expiresAt: null },
      },
    });
    expect(await books()).toEqual({ spent: 3n * CENT, held: 0n });
    expect((await earned()) - before).toBe(3n * CENT);
  });

  test('at zero frees the whole hold', async () => {
    expect(await settle('0')).toMatchObject({ success: true, extra: { commitmentId: jti(), chargedAmount: '0' } });
    expect(await books()).toEqual({ spent: 0n, held: 0n });
  });

  test('has one terminal result: a repeat gets it, other parameters are a conflict', async () => {
    const first = await settle('3');

    expect(await settle('3')).toEqual(first);
    for (const other of ['2', '0', '5']) {
      expect(await settle(other)).toMatchObject({ success: false, errorReason: 'settle_conflict' });
    }
    expect(await books()).toEqual({ spent: 3n * CENT, held: 0n });
  });

  test('copies that arrive together share one result', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => settle('3')));

    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect(await books()).toEqual({ spent: 3n * CENT, held: 0n });
  });

  test('different ones that arrive together: one is settled', async () => {
    const answers = await Promise.all(['1', '2', '3', '4', '0'].map((amount) => settle(amount)));

    expect(answers.filter(({ success }) => success)).toHaveLength(1);
    for (const { success, errorReason } of answers) if (!success) expect(errorReason).toBe('settle_conflict');
  });

  test.each(['6', '-1', '1.5', ''])('never above what was attested: %p changes nothing', async (amount) => {
    expect(await settle(amount)).toMatchObject({ success: false, errorReason: 'amount_exceeds_attested' });
    expect(await books()).toEqual({ spent: 0n, held: 5n * CENT });
  });

  test('nobody but the aud may settle', async () => {
    const other = await registerServer(world, `https://${crypto.randomUUID()}.example`);

    expect(await settle('3', other)).toMatchObject({ success: false, errorReason: 'unauthorized_server' });
    expect(await books()).toEqual({ spent: 0n, held: 5n * CENT });
  });

  test('after holdExp it is refused, and the funds return', async () => {
    await pass('hold_exp');

    expect(await settle('3')).toMatchObject({ success: false, errorReason: 'hold_expired' });
    expect(await world.app.get(CommitmentSweeper).sweep()).toBe(1);
    expect(await settle('3')).toMatchObject({ success: false, errorReason: 'hold_expired' });
    expect(await books()).toEqual({ spent: 0n, held: 0n });
    expect(await world.app.get(CommitmentSweeper).sweep()).toBe(0);
  });

  test('until holdExp the funds stay held', async () => {
    const [{ expires_at: expires }] = await query(world, 'SELECT expires_at FROM holds WHERE id = $1', [jti()]);

    expect(expires.getTime()).toBeGreaterThanOrEqual(claimsIn(attestation).holdExp * 1000);
    expect(await world.app.get(CommitmentSweeper).sweep()).toBe(0);
  });

  test('of a settlement and the sweep one wins, and the books agree', async () => {
    await Promise.all([settle('3'), pass('hold_exp').then(() => world.app.get(CommitmentSweeper).sweep())]);

    expect((await books()).held).toBe(0n);
  });
});

describe('revocation', () => {
  test('frees the hold; it is not settled any more', async () => {
    expect(await json(await revoke())).toEqual({ id: jti(), state: 'revoked' });

    expect(await settle('3')).toMatchObject({ success: false, errorReason: 'revoked' });
    expect(await books()).toEqual({ spent: 0n, held: 0n });
    expect((await revoke()).status).toBe(200);
  });

  test('comes too late for what was settled', async () => {
    await settle('3');

    expect(await json(await revoke())).toMatchObject({ status: 409, code: 'commitment_ended' });
    expect(await books()).toEqual({ spent: 3n * CENT, held: 0n });
  });
});
