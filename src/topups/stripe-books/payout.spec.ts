import { atTheBank, differenceOf, nextPayoutState, PAYOUT_STATES, type PayoutState, shortfallOf } from './payout';

const STATUSES = [...PAYOUT_STATES, 'something_new'];

describe('the states of a payout', () => {
  it('go forward only, and nothing follows money that came back', () => {
    const steps = PAYOUT_STATES.flatMap((from) =>
      STATUSES.filter((status) => nextPayoutState(from, status) !== undefined).map((status) => `${from} ${status}`),
    );
    expect(steps).toEqual([
      ...['pending in_transit', 'pending paid', 'pending failed', 'pending canceled'],
      ...['in_transit paid', 'in_transit failed', 'in_transit canceled', 'paid failed'],
    ]);
  });

  it('put the same on the bank, in whatever order they are told of', () => {
    const bankAfter = (told: readonly string[]) => {
      let [state, bank]: [PayoutState, number] = ['pending', 0];
      for (const status of told) {
        const next = nextPayoutState(state, status);
        const step = next && atTheBank(state, next);
        bank += step === 'landed' ? 1 : step === 'bounced' ? -1 : 0;
        state = next ?? state;
      }
      return { state, bank };
    };
    expect(bankAfter(['in_transit', 'paid'])).toEqual({ state: 'paid', bank: 1 });
    expect(bankAfter(['paid', 'in_transit', 'pending', 'paid'])).toEqual({ state: 'paid', bank: 1 });
    expect(bankAfter(['in_transit', 'paid', 'failed'])).toEqual({ state: 'failed', bank: 0 });
    expect(bankAfter(['failed', 'paid'])).toEqual({ state: 'failed', bank: 0 });
    expect(bankAfter(['in_transit', 'failed'])).toEqual({ state: 'failed', bank: 0 });
    expect(bankAfter(['canceled', 'paid'])).toEqual({ state: 'canceled', bank: 0 });
  });
});

describe('a payout ties out', () => {
  it('when what is behind it, without itself, adds up to its amount', () => {
    const behind = [
      { id: 'txn_own', net: -900 },
      { id: 'txn_1', net: 1000 },
      { id: 'txn_2', net: -100 },
    ];
    expect(differenceOf(900, 'txn_own', behind)).toBe(0);
    expect(differenceOf(900, 'txn_own', behind.slice(0, 2))).toBe(100);
    expect(differenceOf(900, 'txn_own', [])).toBe(-900);
  });

  it('by date when so much was available', () => {
    expect(shortfallOf(900, 900n)).toBe(0n);
    expect(shortfallOf(900, 5000n)).toBe(0n);
    expect(shortfallOf(900, 899n)).toBe(-1n);
    expect(shortfallOf(900, -100n)).toBe(-1000n);
  });
});
