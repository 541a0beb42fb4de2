/** One chain that USDC is taken on: any EVM chain with an EIP-3009 token. */
export interface NetworkConfig {
  /** CAIP-2, such as `eip155:8453`. */
  readonly id: `eip155:${number}`;
  readonly payTo: `0x${string}`;
  readonly asset: { readonly address: `0x${string}`; readonly name: string; readonly version: string };
  /** Asked in this order; what is sent goes to all of them. */
  readonly rpcUrls: readonly string[];
  readonly wsUrl: string | undefined;
  /** Blocks, the transaction's own included, after which a transfer is taken for final. */
  readonly confirmations: number;
  /** The hot wallets that pay gas for settlements in process; none when a hosted facilitator settles. */
  readonly privateKeys: readonly `0x${string}`[];
  /** Signs channel claims and refunds, and offers; without one of its own, the first hot wallet does. */
  readonly authorizerKey: `0x${string}` | undefined;
  /** The key of `payTo` itself, for withdrawals. */
  readonly payoutKey: `0x${string}` | undefined;
  /** Hosted facilitators that settle in place of the hot wallets. */
  readonly facilitatorUrls: readonly string[];
  readonly gas: GasPolicy;
  readonly logs: LogPolicy;
  /** A rollup of the OP stack, such as Base: it also charges for a transaction's data on the chain below. */
  readonly opStack: boolean;
  readonly upto: boolean;
  /** Left out: no payment channels. */
  readonly channels: ChannelPolicy | undefined;
}

export interface GasPolicy {
  /** The most that is paid for a unit of gas, in wei; left out for whatever the chain asks for. */
  readonly maxFeeWei: bigint | undefined;
  /** After this long without a block, a transaction is sent again with a higher fee. */
  readonly replaceAfterMs: number;
  /** A hot wallet with less than this is announced, and rests while another one has more. In wei. */
  readonly alarmWei: bigint;
  /** What one coin of the chain is worth, in nano-USD: gas is booked at it. */
  readonly usdPerCoin: bigint;
}

/** How the chain's transfers are read. In blocks. */
export interface LogPolicy {
  /** The most that the nodes are asked for at once. */
  readonly range: number;
  /** How far before the first settlement on the books the reading begins; before the head, where there is none. */
  readonly lookBack: number;
}

export interface ChannelPolicy {
  /** How long a payer waits for a withdrawal that we do not agree to; 900 to 2,592,000. */
  readonly withdrawDelaySeconds: number;
  /** The deposit that is asked for, in micro-USDC: larger ones make top-ups rarer. */
  readonly minDepositAtoms: bigint;
  /** How payers are asked to sign deposits; either is taken. Permit2 is for tokens without EIP-3009. */
  readonly depositMethod: 'eip3009' | 'permit2';
  /** Channels are claimed when what they owe is worth so many times the gas. */
  readonly claimValueToGas: number;
}
