import { x402Client } from '@x402/core/client';
import type { Network, SchemeNetworkClient } from '@x402/core/types';
import { ExactEvmScheme, toClientEvmSigner, UptoEvmScheme } from '@x402/evm';
import { BatchSettlementEvmScheme } from '@x402/evm/batch-settlement/client';
import { createSIWxClientExtension } from '@x402/extensions/sign-in-with-x';
import { wrapFetchWithPayment, wrapFetchWithPaymentFromConfig } from '@x402/fetch';
import { createPublicClient, createWalletClient, type Hex, http, parseAbi, publicActions } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';

/** A wallet, and a node to ask. */
export interface PayerWallet {
  readonly privateKey: string;
  readonly rpcUrl: string;
}

/** How a wallet pays: by a scheme of x402, from its balance by SIGN-IN-WITH-X, or by a transfer that it sends itself. */
export type WalletRail = 'exact' | 'upto' | 'batch-settlement' | 'wallet' | 'transfer-proof';

/**
 * A `fetch` that pays what it is asked for, as any x402 client would: the published package with its default settings.
 *
 * @param network CAIP-2, such as `eip155:84532`.
 */
export function fetchPayingBy(network: Network, client: SchemeNetworkClient): typeof fetch {
  return wrapFetchWithPaymentFromConfig(fetch, { schemes: [{ network, client }] });
}

/** The same with a wallet's USDC, in each way that there is. */
export function payingFetch({ privateKey, rpcUrl }: PayerWallet, rail: WalletRail): typeof fetch {
  const account = privateKeyToAccount(privateKey as Hex);
  switch (rail) {
    case 'exact':
      return fetchPayingBy('eip155:*', new ExactEvmScheme(account));
    case 'upto':
      return fetchPayingBy('eip155:*', new UptoEvmScheme(account, { rpcUrl }));
    case 'batch-settlement': {
      // With a node, it finds its channel again after a restart.
      const signer = toClientEvmSigner(account, createPublicClient({ transport: http(rpcUrl) }));
      return fetchPayingBy('eip155:*', new BatchSettlementEvmScheme(signer));
    }
    case 'wallet': {
      const client = new x402Client().register('eip155:*', new ExactEvmScheme(account));
      return wrapFetchWithPayment(fetch, client.registerExtension(createSIWxClientExtension({ signers: [account] })));
    }
    case 'transfer-proof':
      return fetchWithProof({ privateKey, rpcUrl });
  }
}

/** No x402: the 402 names transfers, the wallet sends the first, and the request is repeated with a signed proof. */
function fetchWithProof({ privateKey, rpcUrl }: PayerWallet): typeof fetch {
  const account = privateKeyToAccount(privateKey as Hex);
  const wallet = createWalletClient({ account, transport: http(rpcUrl), pollingInterval: 100 }).extend(publicActions);
  return async (input, init) => {
    const headers = new Headers(init?.headers);
    headers.set('wallet-provider', 'metamask');
    const unpaid = await fetch(input, { ...init, headers });
    if (unpaid.status !== 402) return unpaid;
    const { transfers } = (await unpaid.json()) as { transfers: [TransferInstructions] };
    const { network, reference, asset, payTo, atoms, proof } = transfers[0];
    const transaction = await wallet.writeContract({
      chain: null,
      address: asset,
      abi: parseAbi(['function transfer(address to, uint256 amount) returns (bool)']),
      functionName: 'transfer',
      args: [payTo, BigInt(atoms)],
    });
    await wallet.waitForTransactionReceipt({ hash: transaction });
    const payer = account.address.toLowerCase();
    const message = proof.sign.replace('0x{transaction}', transaction).replace('0x{payer}', payer);
    const signature = await account.signMessage({ message });
    const shown = { transaction, network, payer, reference, signature };
    headers.set(proof.header, Buffer.from(JSON.stringify(shown)).toString('base64'));
    return fetch(input, { ...init, headers });
  };
}

/** One of `transfers` in a 402's body. */
interface TransferInstructions {
  readonly network: string;
  readonly asset: Hex;
  readonly payTo: Hex;
  readonly atoms: string;
  readonly reference: string;
  readonly proof: { readonly header: string; readonly sign: string };
}
