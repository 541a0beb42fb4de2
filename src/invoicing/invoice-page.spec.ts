import { createHash } from 'node:crypto';
import { usd, usdc } from '../common/money';
import { PAGE_HEADERS } from '../common/page';
import type { Invoice } from './invoice';
import { renderInvoicePage } from './invoice-page';

const invoice: Invoice = {
  id: 'inv_7Xk2QmPz0LwYb9TtRr4VvN3cHs8',
  issuedAt: new Date('2026-11-23T14:03:22.123Z'),
  callId: '019e0c3e-2f6a-7c11-9d1b-6f2f64f0c001',
  customerId: 'cus_019e0c3e2f6a7c119d1b6f2f64f0c0aa',
  endpoint: '/v1/chat/completions',
  model: 'meta/llama-4-maverick',
  status: 'succeeded',
  lines: [
    { meter: 'input', quantity: '1234567', unitPriceNano: '150000000', per: '1000000', amount: '0.18518505' },
    { meter: 'cached_input', quantity: '2048', unitPriceNano: '75000000', per: '1000000', amount: '0.0001536' },
    { meter: 'output', quantity: '871', unitPriceNano: '600000000', per: '1000000', amount: '0.0005226' },
    { meter: 'request', quantity: '1', unitPriceNano: '100000', per: '1', amount: '0.0001' },
  ],
  priceId: 'price_019e0c3e2f6a7c119d1b6f2f64f0c0bb',
  priceVersion: 3,
  amount: usd(185_961_250n),
  scheme: 'credit',
  evidence: { apiKeyId: 'key_019e0c3e2f6a7c119d1b6f2f64f0c0cc' },
  entryId: 8_123_456n,
  balanceAfter: usd(24_814_038_750n),
};

const onChain: Invoice = {
  ...invoice,
  amount: usdc(185_962n),
  scheme: 'exact',
  evidence: {
    payer: '0x70997970c51812dc3a010c7d01b50e0d17dc79c8',
    network: 'eip155:8453',
    transaction: '0x9f0d3c5f8f0e4b1c2a7d6e5f4c3b2a19080f7e6d5c4b3a29181706f5e4d3c2b1',
    settled: '200000',
    credited: '14038',
  },
  balanceAfter: usdc(14_038n),
};

describe('renderInvoicePage', () => {
  it('shows meters, unit prices, amounts and the total exactly', () => {
    const page = renderInvoicePage(invoice);
    expect(page).toMatch(/Cached input tokens[^]*2\u202f048[^]*\$0\.075 per million[^]*0\.0001536/);
    expect(page).toContain('0.18596125 USD');
    expect(page).not.toContain('Rounding');
  });

  it('shows what can be looked up on the chain, and the rounding towards it', () => {
    const page = renderInvoicePage(onChain);
    for (const fact of [onChain.evidence.transaction, onChain.evidence.payer, 'eip155:8453', '0.2 USDC']) {
      expect(page).toContain(fact);
    }
    expect(page).toMatch(/Rounding[^]*0\.00000075/);
  });

  it('lets no name become markup', () => {
    const page = renderInvoicePage({ ...invoice, model: `<script>alert(1)</script>"'&` });
    expect(page).not.toContain('<script');
    expect(page).toContain('&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;');
  });

  it('allows its own style and nothing else', () => {
    const style = /<style>([^]*)<\/style>/.exec(renderInvoicePage(invoice))?.[1] ?? '';
    const hash = createHash('sha256').update(style).digest('base64');
    expect(style).not.toBe('');
    expect(PAGE_HEADERS['content-security-policy']).toContain(`style-src 'sha256-${hash}'`);
    expect(style).not.toContain('&');
  });
});
