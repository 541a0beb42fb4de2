import { BatchSettlementEvmScheme } from '@x402/evm/batch-settlement/client';
import { decodePaymentResponseHeader, wrapFetchWithPaymentFromConfig } from '@x402/fetch';
import type { PrivateKeyAccount } from 'viem';
import { chainPending } from '../../src/ledger/ledger-account';
import { LedgerAccountsService } from '../../src/ledger/ledger-accounts.service';
import { eventsOf, textOf } from '../support/calls';
import { payerWith, usdcBalance } from '../support/chain';
import { sql, startX402World, walletCredit, type X402World } from '../support/x402-world';

const FIVE_USDC = 5_000_000n;
const CALLS = 10;
const CHAT = { model: 'gpt-4o-mini', max_tokens: 50, messages: [{ role: 'user', content: 'Say something.' }] };

describe.each([
  ['a block for each transaction', undefined],
  ['a block every two seconds', 2],
])('on a chain with %s', (_what, blockTimeSeconds) => {
  let world: X402World;
  let payer: PrivateKeyAccount;
  let pay: (body: unknown) => Promise<Response>;

  beforeAll(async () => {
    world = await startX402World(blockTimeSeconds === undefined ? {} : { blockTimeSeconds });
    payer = await payerWith(world.chain, FIVE_USDC);
    // As in the README of @x402/fetch, and nothing else.
    const paying = wrapFetchWithPaymentFromConfig(fetch, {
      schemes: [{ network: 'eip155:*', client: new BatchSettlementEvmScheme(payer) }],
    });
    pay = (body) =>
      paying(`${world.url}/v1/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
  });
  afterAll(() => world?.stop());

  // oxlint-disable-next-line typescript/no-explicit-any -- a receipt, looked into
  const receiptOf = (response: Response): any =>
    decodePaymentResponseHeader(response.headers.get('payment-response') as string);

  test('one deposit pays for many calls, each charged what it used', async () => {
    let charged = 0n;
    for (let call = 0; call < CALLS; call++) {
      const response = await pay(CHAT);
      expect(response.status).toBe(200);
      const receipt = receiptOf(response);
      expect(receipt).toMatchObject({ success: true, payer: payer.address.toLowerCase(), network: 'eip155:84532' });
      expect(receipt.transaction).toMatch(call === 0 ? /^0x[0-9a-f]{64}$/ : /^$/);
      charged += BigInt(receipt.extra.chargedAmount);
      expect(receipt.extra.channelState).toMatchObject({
        balance: '1000000',
        chargedCumulativeAmount: charged.toString(),
      });
      const invoice = `${world.url}/v1/invoices/${response.headers.get('x-tollbridge-invoice')}`;
      expect(await (await fetch(invoice)).json()).toMatchObject({
        rail: 'batch-settlement',
        asset: 'USDC',
        atoms: receipt.extra.chargedAmount,
        evidence: { payer: payer.address.toLowerCase(), channel: receipt.extra.channelState.channelId },
      });
    }

    // The announced minDeposit, and not a cent more.
    expect(await usdcBalance(world.chain, payer.address)).toBe(FIVE_USDC - 1_000_000n);
    const { posted } = await world.app.get(LedgerAccountsService).balance(chainPending('eip155:84532'));
    expect(posted.atoms).toBe(-charged);
    expect(await sql(world, 'SELECT charged, balance FROM channels')).toEqual([{ charged, balance: 1_000_000n }]);
  });

  test('a stream is charged its ceiling, and the rest is wallet credit', async () => {
    const response = await pay({ ...CHAT, stream: true, stream_options: { include_usage: true } });

    expect(response.status).toBe(200);
    const receipt = receiptOf(response);
    const events = eventsOf(await response.text());
    expect(textOf(events)).not.toBe('');
    const invoice = `${world.url}/v1/invoices/${response.headers.get('x-tollbridge-invoice')}`;
    const { atoms } = (await (await fetch(invoice)).json()) as { atoms: string };
    expect(await walletCredit(world, payer.address)).toBe(BigInt(receipt.extra.chargedAmount) - BigInt(atoms));

    // And the client is still in step.
    expect((await pay(CHAT)).status).toBe(200);
  });
});
