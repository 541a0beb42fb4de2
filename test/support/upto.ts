import { randomBytes } from 'node:crypto';
import { createWalletClient, http, maxUint256, parseAbi, type PrivateKeyAccount, publicActions } from 'viem';
import { PERMIT2, UPTO_PERMIT2_PROXY } from '../../src/evm/contracts';
import { fundEth, type LocalChain } from '../../src/local/chain';
import type { PaymentRequirements } from '../../src/payments/payment-scheme';
import { payerWith } from './chain';

/** Permit2 `PermitWitnessTransferFrom`, as a payer signs it. Integers are decimal strings. */
export interface Permit2Authorization {
  from: string;
  permitted: { token: string; amount: string };
  spender: string;
  nonce: string;
  deadline: string;
  witness: { to: string; facilitator: string; validAfter: string };
}

/** An `upto` payment as it is in its header, open to be spoiled. */
export interface SignedUpto {
  x402Version: number;
  accepted: PaymentRequirements;
  payload: { permit2Authorization: Permit2Authorization; signature: string };
  extensions?: Record<string, unknown>;
}

/** The `upto` payment that a wallet signs for what is asked of it, as stock clients do; `change` is signed with it. */
export async function signUpto(
  payer: PrivateKeyAccount,
  accepted: PaymentRequirements,
  change: Partial<Permit2Authorization> = {},
  signer: PrivateKeyAccount = payer,
): Promise<SignedUpto> {
  const authorization: Permit2Authorization = {
    from: payer.address,
    permitted: { token: accepted.asset, amount: accepted.amount },
    spender: UPTO_PERMIT2_PROXY,
    nonce: BigInt(`0x${randomBytes(32).toString('hex')}`).toString(),
    deadline: String(Math.floor(Date.now() / 1000) + accepted.maxTimeoutSeconds),
    witness: { to: accepted.payTo, facilitator: String(accepted.extra['facilitatorAddress']), validAfter: '0' },
    ...change,
  };
  const { permitted, witness, spender, nonce, deadline } = authorization;
  const signature = await signer.signTypedData({
    domain: { name: 'Permit2', chainId: Number(accepted.network.split(':')[1]), verifyingContract: PERMIT2 },
    types: PERMIT_WITNESS,
    primaryType: 'PermitWitnessTransferFrom',
    message: {
      permitted: { token: hex(permitted.token), amount: BigInt(permitted.amount) },
      spender: hex(spender),
      nonce: BigInt(nonce),
      deadline: BigInt(deadline),
      witness: {
        to: hex(witness.to),
        facilitator: hex(witness.facilitator),
        validAfter: BigInt(witness.validAfter),
      },
    },
  });
  return { x402Version: 2, accepted, payload: { permit2Authorization: authorization, signature } };
}

/** A fresh wallet with this much USDC, which lets Permit2 move `allowance` of it. */
export async function uptoPayerWith(chain: LocalChain, atoms: bigint, allowance: bigint = maxUint256) {
  const payer = await payerWith(chain, atoms);
  await fundEth(chain.rpcUrl, payer.address, 10n ** 18n);
  await approvePermit2(chain, payer, allowance);
  return payer;
}

/** The one transaction that Permit2 needs of a payer, for each token. */
export const approvePermit2 = (chain: LocalChain, payer: PrivateKeyAccount, allowance: bigint = maxUint256) =>
  sendUsdc(chain, payer, 'approve', PERMIT2, allowance);

/** A payer's own call of the token: what it spends elsewhere, or allows. */
export async function sendUsdc(
  { rpcUrl, usdc }: LocalChain,
  payer: PrivateKeyAccount,
  functionName: 'approve' | 'transfer',
  to: `0x${string}`,
  atoms: bigint,
): Promise<void> {
  const wallet = createWalletClient({ account: payer, transport: http(rpcUrl), pollingInterval: 50 }).extend(
    publicActions,
  );
  const hash = await wallet.writeContract({
    address: usdc,
    abi: TOKEN,
    functionName,
    args: [to, atoms],
    chain: null,
  });
  await wallet.waitForTransactionReceipt({ hash });
}

const TOKEN = parseAbi([
  'function approve(address spender, uint256 amount) returns (bool)',
  'function transfer(address to, uint256 amount) returns (bool)',
]);

const hex = (value: string) => value as `0x${string}`;

const PERMIT_WITNESS = {
  PermitWitnessTransferFrom: [
    { name: 'permitted', type: 'TokenPermissions' },
    { name: 'spender', type: 'address' },
    { name: 'nonce', type: 'uint256' },
    { name: 'deadline', type: 'uint256' },
    { name: 'witness', type: 'Witness' },
  ],
  TokenPermissions: [
    { name: 'token', type: 'address' },
    { name: 'amount', type: 'uint256' },
  ],
  Witness: [
    { name: 'to', type: 'address' },
    { name: 'facilitator', type: 'address' },
    { name: 'validAfter', type: 'uint256' },
  ],
} as const;
