import { usd } from '../common/money';
import { TOP_UP_STATES, type TopUp } from './topup';
import { CANCELLED_PAGE, render, returnPage } from './topup-page';

const TOP_UP: TopUp = {
  id: 'top_secret_id',
  customerId: 'cus_secret_id',
  rail: 'card',
  state: 'paid',
  amount: usd(25_000_000_000n),
  paid: usd(32_000_000_000n),
  bonus: usd(0n),
  tax: usd(0n),
  currency: 'usd',
  origin: 'checkout',
  url: null,
  createdAt: new Date(0),
  paidAt: new Date(0),
};

describe('the page after paying', () => {
  it('says what arrived, not what was asked for', () => {
    expect(returnPage(TOP_UP).text).toContain('$32 are on your balance');
  });

  it('asks again only while there is no word yet', () => {
    const refreshing = TOP_UP_STATES.filter((state) => returnPage({ ...TOP_UP, state }).refresh !== undefined);
    expect(refreshing).toEqual(['pending']);
    expect(render(returnPage({ ...TOP_UP, state: 'pending' }))).toContain('http-equiv="refresh" content="3"');
  });

  it('names no id and runs nothing', () => {
    const pages = [
      CANCELLED_PAGE,
      returnPage(undefined),
      ...TOP_UP_STATES.map((state) => returnPage({ ...TOP_UP, state })),
    ];
    for (const page of pages) expect(render(page)).not.toMatch(/secret_id|<script|https?:/);
  });

  it('escapes everything', () => {
    expect(render({ title: '<b>&"\'', text: '<script>alert(1)</script>' })).not.toMatch(/<b>|<script/);
  });
});
