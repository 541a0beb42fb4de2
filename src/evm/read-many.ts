import { decodeFunctionResult, encodeFunctionData, type Hex, parseAbi, type PublicClient } from 'viem';
import { MULTICALL3, PERMIT2 } from './contracts';

const MULTICALL_ABI = parseAbi([
  'function tryAggregate(bool requireSuccess, (address target, bytes callData)[] calls) view returns ((bool success, bytes returnData)[])',
]);
/** `balanceOf(address)`, `allowance(address,address)`, `authorizationState(address,bytes32)`, Permit2's `nonceBitmap(address,uint256)` */
const [BALANCE_OF, ALLOWANCE, AUTHORIZATION_STATE, NONCE_BITMAP] = ['70a08231', 'dd62ed3e', 'e94a0102', '4fe02b44'];

export interface ReadCall {
  readonly to: Hex;
  readonly data: Hex;
}
export type ReadResult = { readonly ok: true; readonly data: Hex } | { readonly ok: false };

/**
 * Many reads of one block in one round trip, in the order in which they were asked.
 * @throws when the node does not answer.
 */
export async function readMany(
  reader: PublicClient,
  calls: readonly ReadCall[],
  blockNumber?: bigint,
): Promise<ReadResult[]> {
  const { data } = await reader.call({
    to: MULTICALL3,
    data: encodeFunctionData({
      abi: MULTICALL_ABI,
      functionName: 'tryAggregate',
      args: [false, calls.map(({ to, data: callData }) => ({ target: to, callData }))],
    }),
    ...(blockNumber === undefined ? {} : { blockNumber }),
  });
  const results = decodeFunctionResult({ abi: MULTICALL_ABI, functionName: 'tryAggregate', data: data ?? '0x' });
  // A contract that is not there answers with success and nothing.
  return results.map(({ success, returnData }) =>
    success && returnData !== '0x' ? { ok: true, data: returnData } : { ok: false },
  );
}

export interface PayerQuestion {
  readonly token: Hex;
  readonly payer: Hex;
  /** Of an EIP-3009 authorization. */
  readonly nonce3009?: Hex;
  /** The word of Permit2's bitmap: the nonce without its last 8 bits. With it the allowance is asked for. */
  readonly permit2Word?: bigint;
}

export interface PayerState {
  readonly balance: bigint;
  /** What Permit2 may take; `0n` when it was not asked for. */
  readonly allowance: bigint;
  /** Whether the authorization of `nonce3009` was used or cancelled; `false` when it was not asked for. */
  readonly used: boolean;
  /** The word that was asked for; `0n` when none was. */
  readonly bitmap: bigint;
  /** A contract wallet, or an account that delegates to one (EIP-7702). */
  readonly hasCode: boolean;
}

interface Asking {
  readonly question: PayerQuestion;
  readonly resolve: (state: PayerState) => void;
  readonly reject: (error: unknown) => void;
}

/** More in one question would meet the limits of some nodes. */
const MOST_AT_ONCE = 100;
const waiting = new WeakMap<PublicClient, Asking[]>();

/**
 * What a payer has, as of the newest block. Payers that are asked about at one time are one round trip.
 * @throws when the node does not answer, or the token or Permit2 is not a contract of that kind.
 */
export function payerState(reader: PublicClient, question: PayerQuestion): Promise<PayerState> {
  return new Promise((resolve, reject) => {
    const asking = { question, resolve, reject };
    const others = waiting.get(reader);
    if (others && others.length < MOST_AT_ONCE) return void others.push(asking);
    const together = [asking];
    waiting.set(reader, together);
    setImmediate(() => {
      if (waiting.get(reader) === together) waiting.delete(reader);
      void answer(reader, together);
    });
  });
}

async function answer(reader: PublicClient, together: readonly Asking[]): Promise<void> {
  try {
    const calls = together.map(({ question }) => callsOf(question));
    // Code before state: once the nonce is known to be unused, nothing more is asked.
    const codes = together.map(({ question }) => reader.getCode({ address: question.payer }));
    const [results, ...found] = await Promise.all([readMany(reader, calls.flat()), ...codes]);
    let next = 0;
    for (const [index, { question, resolve, reject }] of together.entries()) {
      const mine = results.slice(next, (next += calls[index]?.length ?? 0));
      try {
        resolve(stateOf(question, mine, found[index] !== undefined));
      } catch (error) {
        reject(error);
      }
    }
  } catch (error) {
    for (const { reject } of together) reject(error);
  }
}

/** Packed by hand: what an encoder takes for each would be a good part of what a payment costs. */
export function callsOf({ token, payer, nonce3009, permit2Word }: PayerQuestion): ReadCall[] {
  const ask = (to: Hex, selector: string | undefined, ...words: string[]): ReadCall => ({
    to,
    data: `0x${selector}${words.map((word) => word.toLowerCase().padStart(64, '0')).join('')}`,
  });
  const [owner, permit2] = [payer.slice(2), PERMIT2.slice(2)];
  const calls = [ask(token, BALANCE_OF, owner)];
  if (nonce3009 !== undefined) calls.push(ask(token, AUTHORIZATION_STATE, owner, nonce3009.slice(2)));
  if (permit2Word !== undefined) {
    calls.push(ask(token, ALLOWANCE, owner, permit2), ask(PERMIT2, NONCE_BITMAP, owner, permit2Word.toString(16)));
  }
  return calls;
}

function stateOf(question: PayerQuestion, results: readonly ReadResult[], hasCode: boolean): PayerState {
  const { token, nonce3009, permit2Word } = question;
  const numbers = results.map((result) => {
    if (!result.ok) throw new Error(`${token} does not answer as an EIP-3009 token, or Permit2 is not there.`);
    return BigInt(result.data);
  });
  const [balance = 0n, ...asked] = numbers;
  const used = nonce3009 === undefined ? 0n : asked.shift();
  const [allowance = 0n, bitmap = 0n] = permit2Word === undefined ? [] : asked;
  return { balance, allowance, used: used !== 0n, bitmap, hasCode };
}
