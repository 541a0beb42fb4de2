import fc from 'fast-check';
import {
  channelsToClaim,
  claimCost,
  type ClaimTerms,
  MOST_CHANNELS,
  type Unclaimed,
} from '../../src/payments/channels/claim-policy';

const NOW_MS = 1_800_000_000_000;
const DELAY_MS = 900_000;

const channels = fc.uniqueArray(
  fc.record({
    id: fc.uuid(),
    atoms: fc.bigInt(1n, 20_000_000n),
    sinceMs: fc.integer({ min: NOW_MS - DELAY_MS, max: NOW_MS }),
    withdrawDelayMs: fc.constant(DELAY_MS),
    withdrawRequested: fc.boolean(),
    alone: fc.boolean(),
  }),
  { selector: ({ id }) => id, maxLength: 150 },
);
const terms = fc.record({
  nowMs: fc.constant(NOW_MS),
  weiPerGas: fc.bigInt(0n, 50_000_000_000n),
  usdPerCoin: fc.bigInt(1n, 5_000_000_000_000n),
  valueToGas: fc.bigInt(1n, 50n),
});

const value = (list: readonly Unclaimed[]) => list.reduce((sum, { atoms }) => sum + atoms, 0n);
const isUrgent = ({ withdrawRequested, sinceMs }: Unclaimed) => withdrawRequested || NOW_MS - sinceMs >= DELAY_MS / 3;

test('no transaction costs more than it brings, and none claims a channel twice', () => {
  fc.assert(
    fc.property(channels, terms, (unclaimed, given) => {
      const lists = channelsToClaim(unclaimed, given);
      const claimed = lists.flat().map(({ id }) => id);
      expect(new Set(claimed).size).toBe(claimed.length);
      for (const list of lists) {
        expect(list.length).toBeLessThanOrEqual(MOST_CHANNELS);
        expect(value(list)).toBeGreaterThanOrEqual(claimCost(list.length, given));
        if (list.some(({ alone }) => alone)) expect(list).toHaveLength(1);
        if (!list.some(isUrgent)) {
          expect(value(list)).toBeGreaterThanOrEqual(claimCost(list.length, given) * given.valueToGas);
        }
      }
    }),
  );
});

test('an urgent channel that pays for a transaction of its own is always claimed', () => {
  fc.assert(
    fc.property(channels, terms, (unclaimed, given: ClaimTerms) => {
      const claimed = new Set(channelsToClaim(unclaimed, given).flat());
      const due = unclaimed.filter((channel) => isUrgent(channel) && channel.atoms > claimCost(1, given));
      if (due.length <= MOST_CHANNELS) for (const channel of due) expect(claimed).toContain(channel);
    }),
  );
});
