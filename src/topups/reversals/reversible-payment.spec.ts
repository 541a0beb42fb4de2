import fc from 'fast-check';
import { grossOf, partOf, refundableOf, type ReversiblePayment } from './reversible-payment';

const CENT = 10_000_000n;
const payment = (cents: bigint, more: Partial<ReversiblePayment> = {}): ReversiblePayment => ({
  paymentIntentId: 'pi_1',
  topUpId: 'top_1',
  customerId: 'cus_1',
  gross: cents * CENT,
  tax: 0n,
  returned: 0n,
  returnedTax: 0n,
  bonus: 0n,
  voidedBonus: 0n,
  grantId: 'grt_1',
  bonusGrantId: null,
  frozenBy: null,
  isShared: false,
  doubtedBeside: 0n,
  ...more,
});

/** The payment after a part of it went back, and after one came again. */
const without = (before: ReversiblePayment, part: ReturnType<typeof partOf>, sign = 1n): ReversiblePayment => ({
  ...before,
  returned: before.returned + sign * part.gross,
  returnedTax: before.returnedTax + sign * part.tax,
  voidedBonus: before.voidedBonus + sign * part.bonus,
});

describe('parts of a payment', () => {
  it('add up to the whole, with its tax and its bonus, also when some of them came back', () => {
    fc.assert(
      fc.property(
        fc.bigInt(1n, 100_000n),
        fc.bigInt(0n, 10_000n),
        fc.bigInt(0n, 10n ** 12n),
        fc.array(fc.tuple(fc.bigInt(1n, 30_000n), fc.boolean()), { maxLength: 8 }),
        (cents, tax, bonus, steps) => {
          const paid = payment(cents, { tax: ((cents * CENT) / 10_001n) * tax, bonus });
          let now = paid;
          for (const [wanted, fails] of steps) {
            const left = (paid.gross - now.returned) / CENT;
            const part = partOf(now, (wanted < left ? wanted : left) * CENT);
            expect(part.credit + part.tax).toBe(part.gross);
            expect([part.credit >= 0n, part.tax >= 0n, part.bonus >= 0n]).toEqual([true, true, true]);
            now = without(now, part);
            if (fails) now = without(now, part, -1n);
          }
          now = without(now, partOf(now, paid.gross - now.returned));
          expect(now).toMatchObject({ returned: paid.gross, returnedTax: paid.tax, voidedBonus: paid.bonus });
        },
      ),
    );
  });

  it('of what is not used are the most whose credit is there, and not a cent more', () => {
    fc.assert(
      fc.property(fc.bigInt(1n, 100_000n), fc.bigInt(0n, 10_000n), fc.bigInt(0n, 10n ** 12n), (cents, tax, free) => {
        const paid = payment(cents, { tax: ((cents * CENT) / 10_001n) * tax });
        const most = refundableOf(paid, cents, free);
        expect(most >= 0n && most <= cents).toBe(true);
        expect(partOf(paid, grossOf(paid, cents, most)).credit <= free).toBe(true);
        if (most < cents) expect(partOf(paid, grossOf(paid, cents, most + 1n)).credit > free).toBe(true);
      }),
    );
  });

  it('of a payment in another currency are counted in that one', () => {
    const paid = payment(1080n);
    expect(grossOf(paid, 1000n, 250n)).toBe(270n * CENT);
    expect(refundableOf(without(paid, partOf(paid, 270n * CENT)), 1000n, 10n ** 12n)).toBe(750n);
  });
});
