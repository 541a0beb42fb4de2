import type { AssetCode } from '../common/asset';
import {
  bank,
  disputesExpense,
  fxDifference,
  type LedgerAccount,
  stripeClearing,
  stripeDisputed,
  stripeFees,
  stripePayouts,
  stripeProcessing,
  stripeRefunding,
  stripeReserve,
  suspense,
  taxPayable,
  writeOff,
} from '../ledger/ledger-account';

/**
 * What an operator may move money between to resolve a discrepancy: the house's accounts. Customers' credit and revenue
 * are not among them: those change by top-ups, refunds, grants and calls alone, which have documents of their own.
 */
export const RESOLUTION_ACCOUNTS: Readonly<Record<AssetCode, readonly LedgerAccount[]>> = {
  USD: [
    stripeClearing(),
    stripeFees(),
    stripeProcessing(),
    stripeRefunding(),
    stripeDisputed(),
    stripePayouts(),
    stripeReserve(),
    bank(),
    fxDifference(),
    taxPayable(),
    suspense('USD'),
    disputesExpense(),
    writeOff('USD'),
  ],
  USDC: [suspense('USDC'), writeOff('USDC')],
  ETH: [],
};

/** Accounts of a chain that are on the books: `chain:<network>:USDC:<address>`, what arrived at an address of ours. */
export const isChainReceipts = (code: string): boolean => /^chain:.+:USDC:0x[0-9a-f]{40}$/.test(code);
