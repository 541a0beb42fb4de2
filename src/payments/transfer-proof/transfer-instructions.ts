import { formatMoney, type Money } from '../../common/money';
import type { RequestHeaders } from '../payment-scheme';
import { REFERENCE_SECONDS } from './payment-reference';
import { proofMessage } from './proof-of-payment';

/** Where and how much: what a person needs to pay with any wallet. */
export interface TransferRequest {
  /** CAIP-2, such as `eip155:8453`. */
  readonly network: string;
  /** The token's contract. */
  readonly asset: string;
  readonly payTo: string;
  /** In USDC. */
  readonly amount: Money;
  readonly reference: string;
  readonly issuedAt: Date;
}

/** An item of the member `transfers` of a 402's body: a plain transfer, links that open it, and what to sign afterwards. */
export function transferInstructions(request: TransferRequest, wallet: string | undefined): Record<string, unknown> {
  const { network, asset, payTo, amount, reference, issuedAt } = request;
  return {
    network,
    asset,
    payTo,
    amount: formatMoney(amount),
    atoms: amount.atoms.toString(),
    reference,
    expiresAt: new Date(issuedAt.getTime() + REFERENCE_SECONDS * 1000).toISOString(),
    eip681: eip681(request),
    links: linksFor(request, wallet),
    proof: {
      header: 'Proof-of-Payment',
      encoding: 'base64 of the JSON {transaction, network, payer, reference, signature}',
      sign: proofMessage({ network, transaction: '0x{transaction}', payer: '0x{payer}', reference }),
      case: 'transaction and payer in lower case',
    },
  };
}

/** What the payer says of their wallet: a hint, so anything that is not a short name is not there. */
export function walletProviderOf(headers: RequestHeaders): string | undefined {
  const given = headers['wallet-provider'];
  return typeof given === 'string' && /^\w[\w .-]{0,39}$/.test(given) ? given.trim().toLowerCase() : undefined;
}

/** EIP-681: an ERC-20 transfer as a link. */
export const eip681 = (request: TransferRequest): string => `ethereum:${transferCall(request)}`;

const transferCall = ({ network, asset, payTo, amount }: TransferRequest): string =>
  `${asset}@${network.split(':')[1]}/transfer?address=${payTo}&uint256=${amount.atoms}`;

/** The links of the wallet that was named; of every one we know when none was, or one that has no link of its own. */
function linksFor(request: TransferRequest, wallet: string | undefined): { wallet: string; url: string }[] {
  const links = Object.entries(WALLET_LINKS).flatMap(([name, linkOf]) => {
    const url = linkOf(request);
    return url === undefined ? [] : [{ wallet: name, url }];
  });
  const named = links.filter((link) => wallet?.replaceAll(/[ _-]/g, '').startsWith(link.wallet));
  return named.length > 0 ? named : links;
}

/** Links that wallets document themselves: MetaMask "Use deeplinks", Trust Wallet "Deep linking" (asset as an UAI). */
const WALLET_LINKS: Readonly<Record<string, (request: TransferRequest) => string | undefined>> = {
  metamask: (request) => `https://link.metamask.io/send/${transferCall(request)}`,
  trust: ({ network, asset, payTo, amount }) => {
    const coin = TRUST_COINS[network];
    if (coin === undefined) return undefined;
    return `https://link.trustwallet.com/send?asset=c${coin}_t${asset}&address=${payTo}&amount=${formatMoney(amount)}`;
  },
};

/** SLIP-44 coin types as Trust Wallet numbers its chains. */
const TRUST_COINS: Readonly<Record<string, number>> = {
  'eip155:1': 60,
  'eip155:137': 966,
  'eip155:8453': 8453,
  'eip155:43114': 10009000,
};
