import { formatMoney } from '../common/money';
import { noticePage } from './page-frame';
import type { TopUp } from './topup';

/** What a person reads who comes back from Stripe's page. `refresh`: seconds after which the page asks again. */
export interface Page {
  readonly title: string;
  readonly text: string;
  readonly refresh?: number;
}

/** The page for a top-up in its present state; `undefined` for a session that we know nothing of. */
export function returnPage(topUp: TopUp | undefined): Page {
  if (!topUp) {
    const text =
      'We know of no top-up for this page. If you have paid, the payment is safe: ask whoever sent you here.';
    return { title: 'Nothing to show', text };
  }
  switch (topUp.state) {
    case 'paid':
      return {
        title: 'Thank you',
        text: `$${formatMoney(topUp.paid ?? topUp.amount)} are on your balance. You can close this page.`,
      };
    case 'pending':
      return {
        title: 'One moment',
        text: 'We are waiting for word of your payment. Nothing to do for you.',
        refresh: 3,
      };
    case 'processing':
      return {
        title: 'On its way',
        text: 'Your bank is moving the money, which can take some days. Your balance grows when it arrives.',
      };
    case 'failed':
      return { title: 'Not paid', text: 'The payment did not go through. Nothing was charged: start another top-up.' };
    case 'expired':
      return { title: 'Too late', text: 'This payment page has expired. Nothing was charged: start another top-up.' };
    case 'refunded':
      return { title: 'Paid back', text: 'This top-up was paid back.' };
    case 'disputed':
      return { title: 'In dispute', text: 'This payment is disputed with your bank.' };
  }
}

export const CANCELLED_PAGE: Page = {
  title: 'Not paid',
  text: 'You left the payment page. Nothing was charged; you can start another top-up at any time.',
};

export const CARD_SAVED_PAGE: Page = {
  title: 'Card saved',
  text: 'Your card is saved, and nothing was charged. You can close this page.',
};

export const render = ({ title, text, refresh }: Page): string => noticePage({ title, sentences: [text], refresh });
