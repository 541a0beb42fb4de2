import { fileName } from './manifest';
import { COLUMN_NAMES, encodeHeader } from './usage-csv';

describe('usage CSV', () => {
  it('keeps names and order of version 1', () => {
    expect(COLUMN_NAMES.join(', ')).toBe(
      'usage_id, occurred_at, account_id, account_name, project, api_key_id, api_key_name, payer_type, payer_address, ' +
        'request_id, endpoint, provider, model_requested, model_served, status, error_code, stream, input_tokens, ' +
        'cached_input_tokens, cache_write_tokens, output_tokens, reasoning_tokens, images, audio_seconds, requests, ' +
        'usage_source, price_version, list_cost, discount, cost, currency, cost_nano, held, released, funding, ' +
        'grant_ids, payment_id, tx_hash, network, invoice_id, invoice_line_id, ledger_transaction_id, upstream_cost, ' +
        'margin, latency_ms, ttfb_ms, tags',
    );
  });

  it('ends its lines as RFC 4180 does, and begins with a mark only when asked', () => {
    expect(encodeHeader(false)).toMatch(/^usage_id,[^]*,tags\r\n$/);
    expect(encodeHeader(true)).toBe(`\uFEFF${encodeHeader(false)}`);
  });
});

it('names the file by its period, and by its customer when it is of one', () => {
  const period = { from: new Date('2026-11-01'), to: new Date('2026-12-01') };
  expect(fileName(period, undefined, 'csv')).toBe('tollbridge-usage-2026-11-01-2026-12-01.csv');
  expect(fileName(period, 'cus_1"\r\n', 'csv')).toBe('tollbridge-usage-cus_1-2026-11-01-2026-12-01.csv');
});
