import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { x402Facilitator } from '@x402/core/facilitator';
import type { FacilitatorClient } from '@x402/core/server';
import { toFacilitatorEvmSigner } from '@x402/evm';
import { BatchSettlementEvmScheme as BatchFacilitator } from '@x402/evm/batch-settlement/facilitator';
import { BatchSettlementEvmScheme as BatchServer } from '@x402/evm/batch-settlement/server';
import { ExactEvmScheme as ExactFacilitator } from '@x402/evm/exact/facilitator';
import { ExactEvmScheme as ExactServer } from '@x402/evm/exact/server';
import { UptoEvmScheme as UptoFacilitator } from '@x402/evm/upto/facilitator';
import { UptoEvmScheme as UptoServer } from '@x402/evm/upto/server';
import { paymentMiddleware, setSettlementOverrides, x402ResourceServer } from '@x402/express';
import express from 'express';
import { createWalletClient, http, nonceManager, type PrivateKeyAccount, publicActions } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { baseSepolia } from 'viem/chains';
import { DEV_WALLETS, type LocalChain } from '../../src/local/chain';

const NETWORK = 'eip155:84532';
const PRICE = 50_000;

/** What of the price the server takes at the end, by schemes that can take less. In micro-USDC. */
export const TAKEN = 1_234;

export interface StockServer {
  /** One paid GET for each scheme: `/exact`, `/upto`, `/batch-settlement`. */
  readonly url: string;
  /** Claims and settles the channels. */
  collect(): Promise<void>;
  stop(): Promise<void>;
}

/** Somebody else's server, made of the published packages: `@x402/express`, with the facilitator it is given; `seller` is paid. */
export async function startStockServer(
  facilitator: FacilitatorClient,
  seller: PrivateKeyAccount,
): Promise<StockServer> {
  const payTo = seller.address;
  const batch = new BatchServer(payTo, { receiverAuthorizerSigner: seller, withdrawDelay: 900 });
  const server = new x402ResourceServer(facilitator)
    .register(NETWORK, new ExactServer())
    .register(NETWORK, new UptoServer())
    .register(NETWORK, batch);
  const asset = '0x036CbD53842c5426634e7929541eC2318f3dCF7e';
  const price = { asset, amount: String(PRICE), extra: { name: 'USDC', version: '2' } };
  const routes = Object.fromEntries(
    ['exact', 'upto', 'batch-settlement'].map((scheme) => [
      `GET /${scheme}`,
      { accepts: [{ scheme, network: NETWORK, payTo, price, maxTimeoutSeconds: 300 }] },
    ]),
  );
  const app = express();
  app.use(paymentMiddleware(routes as Parameters<typeof paymentMiddleware>[0], server));
  app.get('/exact', (_, response) => void response.json({ served: true }));
  for (const path of ['/upto', '/batch-settlement']) {
    app.get(path, (_, response) => {
      setSettlementOverrides(response, { amount: String(TAKEN) });
      response.json({ served: true });
    });
  }
  const listening = createServer(app);
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(listening.address() as AddressInfo).port}`,
    collect: async () => void (await batch.createChannelManager(facilitator, NETWORK, asset).claimAndSettle()),
    stop: () =>
      new Promise((resolve) => {
        listening.close(() => resolve());
        listening.closeAllConnections();
      }),
  };
}

/** The published facilitator, in this process, with the local chain's hot wallet. */
export function stockFacilitator({ rpcUrl }: LocalChain): FacilitatorClient {
  const account = privateKeyToAccount(DEV_WALLETS.facilitator.privateKey, { nonceManager });
  const wallet = createWalletClient({
    account,
    chain: baseSepolia,
    transport: http(rpcUrl),
    pollingInterval: 50,
  }).extend(publicActions);
  const signer = toFacilitatorEvmSigner({
    ...wallet,
    address: account.address,
    // `upto` is simulated as its facilitator, or not at all.
    readContract: (call: Parameters<typeof wallet.readContract>[0]) => wallet.readContract({ ...call, account }),
  } as unknown as Parameters<typeof toFacilitatorEvmSigner>[0]);
  const stock = new x402Facilitator()
    .register(NETWORK, new ExactFacilitator(signer))
    .register(NETWORK, new UptoFacilitator(signer))
    .register(NETWORK, new BatchFacilitator(signer));
  return {
    verify: (payload, requirements) => stock.verify(payload, requirements),
    settle: (payload, requirements) => stock.settle(payload, requirements),
    getSupported: async () => stock.getSupported() as Awaited<ReturnType<FacilitatorClient['getSupported']>>,
  };
}
