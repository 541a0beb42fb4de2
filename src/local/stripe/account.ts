import { type Store } from './store';
import { type Account } from './tables';

const DEFAULTS: Account = {
  id: 'account',
  clockOffset: 0,
  payoutSchedule: 'daily',
  settlementCurrencies: ['usd'],
  rates: { eur: '1.08', gbp: '1.27', jpy: '0.0067', chf: '1.12', cad: '0.73' },
  disputeFee: 1500,
  disputeFeeReturned: true,
  debitNegativeBalances: false,
};

export function accountOf(store: Store): Account {
  return store.get('account', 'account') ?? DEFAULTS;
}

export function changeAccount(store: Store, changes: Partial<Account>): Account {
  return store.put('account', { ...accountOf(store), ...changes });
}

/** This Stripe's time, in Unix seconds. */
export function clockOf(store: Store): number {
  return Math.floor(Date.now() / 1000) + accountOf(store).clockOffset;
}

/** The currency that money in `currency` settles in, and the rate when that is another one. */
export function settlementOf(store: Store, currency: string): { currency: string; rate: number | null } {
  const { settlementCurrencies, rates } = accountOf(store);
  const [first = 'usd'] = settlementCurrencies;
  if (settlementCurrencies.includes(currency)) return { currency, rate: null };
  return { currency: first, rate: Number(rates[currency] ?? '1') };
}
