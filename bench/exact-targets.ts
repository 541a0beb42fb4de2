import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { DEV_WALLETS, type LocalChain } from '../src/local/chain';
import type { PaymentRequirements } from '../src/payments/payment-scheme';
import { ended, freePort, untilAnswers } from './servers';

export const BODY = JSON.stringify({
  model: 'gpt-4o-mini',
  max_tokens: 32,
  messages: [{ role: 'user', content: 'Say something short about bridges.' }],
});

/** A server that is paid by `exact`, and what it asks for. */
export interface Target {
  readonly name: 'paid' | 'baseline';
  readonly url: string;
  readonly accepted: PaymentRequirements;
}

/** The baseline, a process of its own: see there. */
export async function startBaseline(chain: LocalChain, upstreamUrl: string) {
  const port = await freePort();
  const child = spawn(process.execPath, [join(__dirname, 'exact-baseline.js')], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      ...process.env,
      RPC_URL: chain.rpcUrl,
      PRIVATE_KEY: DEV_WALLETS.payer.privateKey,
      PAY_TO: DEV_WALLETS.payTo.address,
      UPSTREAM_URL: upstreamUrl,
      PORT: String(port),
    },
  });
  const url = `http://127.0.0.1:${port}`;
  await untilAnswers(url);
  return { url, stop: () => ended(child) };
}

export async function askedOf(url: string): Promise<PaymentRequirements> {
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: BODY,
  });
  const header = response.headers.get('payment-required') ?? '';
  const { accepts } = JSON.parse(Buffer.from(header, 'base64').toString()) as { accepts: PaymentRequirements[] };
  return accepts.find(({ scheme }) => scheme === 'exact') as PaymentRequirements;
}
