import { createRequire } from 'node:module';
import { x402Facilitator } from '@x402/core/facilitator';
import { toFacilitatorEvmSigner } from '@x402/evm';
import { ExactEvmScheme as ExactAtFacilitator } from '@x402/evm/exact/facilitator';
import { ExactEvmScheme as ExactAtServer } from '@x402/evm/exact/server';
import { paymentMiddleware, x402ResourceServer } from '@x402/express';
import { createWalletClient, type Hex, http, nonceManager, publicActions } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { baseSepolia } from 'viem/chains';

/*
 * The baseline of `bench exact`, a process of its own: `@x402/express` with its facilitator in process, in front of the
 * same upstream, on the same chain. Its signer counts nonces in memory and looks for receipts as often as we look for
 * blocks.
 */

/** What is used of Express, whose package brings no types. */
interface ExpressApplication {
  use(middleware: unknown): void;
  post(path: string, handler: (request: { body: unknown }, response: ExpressResponse) => Promise<void>): void;
  listen(port: number, host: string): void;
}
interface ExpressResponse {
  status(code: number): ExpressResponse;
  type(name: string): ExpressResponse;
  send(body: string): void;
}
const express = createRequire(__filename)('express') as (() => ExpressApplication) & { json(): unknown };

const NETWORK = 'eip155:84532';
const RECEIPT_POLL_MS = 100;

function facilitatorOn(rpcUrl: string, privateKey: Hex) {
  const account = privateKeyToAccount(privateKey, { nonceManager });
  const wallet = createWalletClient({
    account,
    chain: baseSepolia,
    transport: http(rpcUrl, { batch: true }),
    pollingInterval: RECEIPT_POLL_MS,
  }).extend(publicActions);
  const signer = toFacilitatorEvmSigner({ ...wallet, address: account.address } as unknown as Parameters<
    typeof toFacilitatorEvmSigner
  >[0]);
  const facilitator = new x402Facilitator().register(NETWORK, new ExactAtFacilitator(signer));
  return {
    verify: facilitator.verify.bind(facilitator),
    settle: facilitator.settle.bind(facilitator),
    getSupported: () => Promise.resolve(facilitator.getSupported()),
  } as unknown as ConstructorParameters<typeof x402ResourceServer>[0];
}

function main(): void {
  const { RPC_URL, PRIVATE_KEY, PAY_TO, UPSTREAM_URL, PORT } = process.env as Record<string, string>;
  const server = new x402ResourceServer(facilitatorOn(RPC_URL as string, PRIVATE_KEY as Hex));
  server.register(NETWORK, new ExactAtServer());
  const accepts = { scheme: 'exact', price: '$0.001', network: NETWORK, payTo: PAY_TO as Hex } as const;
  const app = express();
  app.use(paymentMiddleware({ 'POST /v1/chat/completions': { accepts } }, server));
  app.use(express.json());
  // oxlint-disable-next-line no-async-endpoint-handlers -- Express 5 waits for it
  app.post('/v1/chat/completions', async (request, response) => {
    const answer = await fetch(`${UPSTREAM_URL}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(request.body),
    });
    response
      .status(answer.status)
      .type('json')
      .send(await answer.text());
  });
  app.listen(Number(PORT), '127.0.0.1');
}

main();
