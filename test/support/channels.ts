import { BatchSettlementEvmScheme } from '@x402/evm/batch-settlement/client';
import { toClientEvmSigner } from '@x402/evm';
import { decodePaymentRequiredHeader } from '@x402/core/http';
import type { PaymentRequirements } from '@x402/core/types';
import { wrapFetchWithPaymentFromConfig } from '@x402/fetch';
import { createPublicClient, http, type PrivateKeyAccount } from 'viem';
import type { LocalChain } from '../../src/local/chain';
import { chainPending } from '../../src/ledger/ledger-account';
import { LedgerAccountsService } from '../../src/ledger/ledger-accounts.service';
import type { TestApp } from './app';
import { chat } from './world';
import { inHeader, sql } from './x402-world';

export const SMALL_CHAT = {
  model: 'gpt-4o-mini',
  max_tokens: 50,
  messages: [{ role: 'user', content: 'Say something.' }],
};

/** A stock client with a channel of its own, which it opens with its first call. */
export interface ChannelClient {
  readonly scheme: BatchSettlementEvmScheme;
  call(body?: Record<string, unknown>, baseUrl?: string): Promise<Response>;
}

/** With a chain it can read, and so recover from a corrective 402; without one it is a bare key. */
export function channelClient(world: { url: string }, payer: PrivateKeyAccount, chain?: LocalChain): ChannelClient {
  const reader = chain && createPublicClient({ transport: http(chain.rpcUrl) });
  const scheme = new BatchSettlementEvmScheme(reader ? toClientEvmSigner(payer, reader) : payer);
  const paying = wrapFetchWithPaymentFromConfig(fetch, { schemes: [{ network: 'eip155:*', client: scheme }] });
  return {
    scheme,
    call: (body = {}, baseUrl = world.url) =>
      paying(`${baseUrl}/v1/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ ...SMALL_CHAT, ...body }),
      }),
  };
}

/** The header that a stock client sends with its next call: to be sent by hand, and once more. */
export async function channelHeader(url: string, scheme: BatchSettlementEvmScheme, body: Record<string, unknown> = {}) {
  const unpaid = await chat(url, undefined, { ...SMALL_CHAT, ...body });
  const asked = decodePaymentRequiredHeader(unpaid.headers.get('payment-required') ?? '');
  const accepted = asked.accepts.find((row) => row.scheme === 'batch-settlement') as PaymentRequirements;
  const { payload } = await scheme.createPaymentPayload(2, accepted);
  return inHeader({ x402Version: 2, accepted, payload });
}

/** What payers owe by vouchers that are not settled yet, on the books, in micro-USDC. */
export async function pendingOnBooks({ app }: Pick<TestApp, 'app'>): Promise<bigint> {
  return -(await app.get(LedgerAccountsService).balance(chainPending('eip155:84532'))).posted.atoms;
}

/** What was ever charged to channels, in micro-USDC. */
export async function chargedToChannels(world: Pick<TestApp, 'app'>): Promise<bigint> {
  const [row] = await sql(world, 'SELECT coalesce(sum(charged), 0)::bigint AS charged FROM channels');
  return row.charged;
}
