import { isGivenUp } from './unsettled';

const unsettled = { shown: false, byAnybody: true, answered: false, lapsed: false };

test('before the answer: given up at once where only we could send it, or nobody has seen it', () => {
  expect(isGivenUp(unsettled)).toBe(true);
  expect(isGivenUp({ ...unsettled, shown: true, byAnybody: false })).toBe(true);
  expect(isGivenUp({ ...unsettled, shown: true })).toBe(false);
});

test('after the answer: never before it has lapsed', () => {
  expect(isGivenUp({ ...unsettled, answered: true })).toBe(false);
  expect(isGivenUp({ ...unsettled, answered: true, shown: true, byAnybody: false })).toBe(false);
});

test('what has lapsed is given up, whatever else is known of it', () => {
  for (const answered of [false, true]) {
    expect(isGivenUp({ ...unsettled, answered, shown: true, lapsed: true })).toBe(true);
  }
});
