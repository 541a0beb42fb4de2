import { matchUp } from './transfer-matching';

const booking = (entryId: bigint, atoms: bigint, corrects: bigint | null = null) => ({
  entryId,
  atoms,
  corrects,
  isReversal: false,
});
const reversal = (entryId: bigint, atoms: bigint) => ({ ...booking(entryId, atoms), isReversal: true });

test('each transfer of a shared transaction has the entry of its amount', () => {
  const transfers = [
    { logIndex: 1, atoms: 500n },
    { logIndex: 4, atoms: 700n },
    { logIndex: 7, atoms: 500n },
  ];
  const { pairs, cancelled } = matchUp(transfers, [booking(10n, 700n), booking(11n, 500n), booking(12n, 500n)]);
  expect(pairs).toEqual([
    { logIndex: 1, entryId: 12n },
    { logIndex: 4, entryId: 10n },
    { logIndex: 7, entryId: 11n },
  ]);
  expect(cancelled).toEqual([]);
});

test('an amount, and a direction, that nobody booked has no entry', () => {
  expect(matchUp([{ logIndex: 1, atoms: 500n }], [booking(10n, 501n), booking(11n, -500n)])).toEqual({
    pairs: [],
    cancelled: [],
  });
});

test('what was booked twice and taken back once is matched by what stands', () => {
  const bookings = [booking(10n, 500n), booking(11n, 500n), booking(12n, -500n, 10n)];
  expect(matchUp([{ logIndex: 1, atoms: 500n }], bookings)).toEqual({
    pairs: [{ logIndex: 1, entryId: 11n }],
    cancelled: [12n, 10n],
  });
});

test('a reversal without its transfer leaves nothing, one that was made good leaves the last entry', () => {
  expect(matchUp([], [booking(10n, 500n), reversal(11n, -500n)]).cancelled).toEqual([11n, 10n]);
  const again = [booking(10n, 500n), reversal(11n, -500n), booking(12n, 500n)];
  expect(matchUp([{ logIndex: 2, atoms: 500n }], again)).toEqual({
    pairs: [{ logIndex: 2, entryId: 12n }],
    cancelled: [11n, 10n],
  });
});

test('money that came and went in one transaction is two transfers and two entries', () => {
  const transfers = [
    { logIndex: 1, atoms: 500n },
    { logIndex: 2, atoms: -500n },
  ];
  const { pairs, cancelled } = matchUp(transfers, [booking(10n, 500n), booking(11n, -500n)]);
  expect(pairs).toHaveLength(2);
  expect(cancelled).toEqual([]);
  // Also while the chain is not read so far.
  expect(matchUp([], [booking(10n, 500n), booking(11n, -500n)]).cancelled).toEqual([]);
});
