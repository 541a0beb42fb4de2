import { accountOf, changeAccount } from './account';
import { payOutAutomatically } from './automatic-payouts';
import { type Control } from './control';
import { movePayout, reconcilePayout } from './payout-lifecycle';
import { requirePayout } from './payouts';
import { book } from './settlement';
import { NOBODY } from './simulation';
import { type Account } from './tables';
import { badParameter, noSuch } from './stripe-fault';

const SETTINGS = [
  'debitNegativeBalances',
  'disputeFee',
  'disputeFeeReturned',
  'payoutSchedule',
  'rates',
  'settlementCurrencies',
];
const MANY = 1000;
const MOST = 1_000_000_000_000;

/** The account's settings, what Stripe books by itself, and what banks do with payouts. */
export const moneyControls: readonly Control[] = [
  {
    path: 'account',
    press: ({ sim, body }) => {
      body.only(...SETTINGS);
      const was = accountOf(sim.store);
      const settings: Partial<Account> = {
        payoutSchedule: body.oneOf('payoutSchedule', ['daily', 'manual'] as const) ?? was.payoutSchedule,
        settlementCurrencies: body.strings('settlementCurrencies') ?? was.settlementCurrencies,
        rates: { ...was.rates, ...body.hash('rates') },
        disputeFee: body.integer('disputeFee', 0) ?? was.disputeFee,
        disputeFeeReturned: body.boolean('disputeFeeReturned') ?? was.disputeFeeReturned,
        debitNegativeBalances: body.boolean('debitNegativeBalances') ?? was.debitNegativeBalances,
      };
      return changeAccount(sim.store, settings);
    },
  },
  {
    path: 'balance_transactions',
    press: ({ sim, body }) => {
      body.only('amount', 'category', 'currency', 'description', 'fee', 'source', 'type');
      const amount = body.integer('amount', -MOST, MOST);
      if (amount === undefined) throw badParameter('parameter_missing', 'Missing required param: amount.', 'amount');
      const category = body.string('category');
      const source = body.string('source') ?? null;
      const transaction = book(sim, {
        type: body.string('type') ?? 'adjustment',
        ...{ amount, currency: body.string('currency') ?? 'usd', source },
        ...{ description: body.string('description') ?? null, fee: body.integer('fee', -MOST, MOST) ?? 0 },
        ...(category !== undefined && { category }),
      });
      const dispute = sim.store.get('disputes', source ?? '');
      dispute?.balance_transactions.push(structuredClone(transaction));
      if (dispute !== undefined) sim.store.put('disputes', dispute);
      return transaction;
    },
  },
  { path: 'payouts/run', press: ({ sim }) => ({ data: payOutAutomatically(sim) }) },
  {
    path: 'payouts/:id/contents',
    press: ({ sim, id, body }) => {
      const contents = sim.store.get('payout_contents', id);
      if (contents === undefined) throw noSuch('payout', id, 'payout');
      return sim.store.put('payout_contents', { ...contents, hidden: body.only('hidden').strings('hidden') ?? [] });
    },
  },
  {
    path: 'busy',
    press: ({ sim, body }) => {
      sim.movesPerLook = body.only('movesPerLook').integer('movesPerLook', 0, MANY) ?? 0;
      return { movesPerLook: sim.movesPerLook };
    },
  },
  {
    path: 'payouts/:id/advance',
    press: ({ sim, id }) => {
      const payout = requirePayout(sim, id);
      movePayout(sim, payout, payout.status === 'pending' ? 'in_transit' : 'paid', NOBODY);
      return payout;
    },
  },
  {
    path: 'payouts/:id/fail',
    press: ({ sim, id, body }) => {
      const payout = requirePayout(sim, id);
      movePayout(sim, payout, 'failed', NOBODY, body.only('failure_code').string('failure_code'));
      return payout;
    },
  },
  {
    path: 'payouts/:id/reconcile',
    press: ({ sim, id }) => {
      const payout = requirePayout(sim, id);
      reconcilePayout(sim, payout);
      return payout;
    },
  },
];
