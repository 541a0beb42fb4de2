import type { toFacilitatorEvmSigner } from '@x402/evm';
import { encodeFunctionData, type Hex, isAddressEqual, type TransactionReceipt } from 'viem';
import { UPTO_PERMIT2_PROXY } from '../../evm/contracts';
import { isRevert } from '../../evm/revert';
import type { CallOutcome, ChainCall } from '../chain/chain-call';
import type { ChainNetwork } from '../chain/networks.service';

type FacilitatorEvmSigner = ReturnType<typeof toFacilitatorEvmSigner>;

/** What happened to one request that the package would take for the payment's fault. */
export interface Trouble {
  /** A question that the chain did not answer. */
  unanswered?: boolean;
  /** A transaction that may still be mined. */
  inDoubt?: { readonly transaction?: Hex | undefined };
}

type Send = (call: Omit<ChainCall, 'network' | 'reference'>) => Promise<CallOutcome>;

/** A claim of a hundred channels takes half of it. */
const MOST_GAS = 8_000_000n;
/** Estimates are exact for one state; other transactions may land in between. */
const GAS_MARGIN_PERCENT = 130n;

/** Lets the published facilitator read `network` and send through `send`; what goes wrong there is put into `trouble`. */
export function facilitatorSigner(network: ChainNetwork, trouble: Trouble, send: Send): FacilitatorEvmSigner {
  const { reader, addresses } = network;
  const receipts = new Map<Hex, Pick<TransactionReceipt, 'status' | 'logs'>>();
  const first = addresses[0] as Hex;

  const answered = async <Answer>(question: Promise<Answer>): Promise<Answer> => {
    try {
      return await question;
    } catch (error) {
      if (!isRevert(error)) trouble.unanswered = true;
      throw error;
    }
  };

  /** @throws when it was refused, or is in doubt: then `trouble` says so. */
  const mine = async (to: Hex, data: Hex, sender: Hex | undefined): Promise<Hex> => {
    const estimate = await answered(reader.estimateGas({ account: sender ?? first, to, data }));
    if (estimate > MOST_GAS) throw new Error(`The call needs ${estimate} gas, more than ${MOST_GAS}.`);
    const gas = (estimate * GAS_MARGIN_PERCENT) / 100n;
    const outcome = await send({ to, data, gas, alone: true, ...(sender === undefined ? {} : { sender }) });
    switch (outcome.kind) {
      case 'succeeded':
        receipts.set(outcome.transaction, outcome.receipt);
        return outcome.transaction;
      case 'reverted':
        receipts.set(outcome.transaction, { status: 'reverted', logs: [] });
        return outcome.transaction;
      case 'refused':
        throw new Error(outcome.reason);
      case 'in_doubt':
        trouble.inDoubt = { transaction: outcome.transaction };
        throw new Error('The transaction is not mined yet.');
    }
  };

  return {
    getAddresses: () => addresses,
    // `upto` obeys the facilitator of its witness alone, also when it is only simulated.
    readContract: (call) => answered(reader.readContract({ ...call, account: facilitatorOf(call) ?? first })),
    verifyTypedData: (data) =>
      answered(reader.verifyTypedData(data as unknown as Parameters<typeof reader.verifyTypedData>[0])),
    writeContract: ({ address, abi, functionName, args, dataSuffix }) => {
      const data = `${encodeFunctionData({ abi, functionName, args })}${dataSuffix?.slice(2) ?? ''}` as Hex;
      return mine(address, data, facilitatorOf({ address, args }));
    },
    // Only asked for to deploy a payer's wallet from an allowed factory, and none is.
    sendTransaction: ({ to, data }) => mine(to, data, undefined),
    waitForTransactionReceipt: async ({ hash }) =>
      receipts.get(hash) ?? (await answered(reader.getTransactionReceipt({ hash }))),
    getCode: (call) => answered(reader.getCode(call)),
  };
}

/** The sender that a call to the `upto` proxy demands: the member of that name of its witness. */
function facilitatorOf({ address, args = [] }: { address: Hex; args?: readonly unknown[] }): Hex | undefined {
  if (!isAddressEqual(address, UPTO_PERMIT2_PROXY)) return undefined;
  for (const argument of args) {
    if (typeof argument === 'object' && argument !== null && 'facilitator' in argument) {
      return String(argument.facilitator).toLowerCase() as Hex;
    }
  }
  return undefined;
}
