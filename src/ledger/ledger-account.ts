import type { AssetCode } from '../common/asset';

/**
 * A place where money can be: the chart of accounts. One account holds one asset.
 *
 * Balances are credits minus debits. Liabilities and revenue (`customer:…:credits`, `revenue:…`) are therefore
 * positive, assets and expenses (`stripe:clearing`, `chain:…`, `stripe:fees`, `network:fees`) negative, and the sum of all is zero.
 */
export interface LedgerAccount {
  readonly code: string;
  readonly asset: AssetCode;
  /** Whose money it is, for accounts of one customer. */
  readonly customerId: string | null;
  /** A guarded account can be held and can never go below zero. */
  readonly guarded: boolean;
}

/** What a customer prepaid and has not used: a liability. The account that is spent from. */
export const customerCredits = (customerId: string, asset: AssetCode): LedgerAccount => ({
  code: `customer:${customerId}:credits`,
  asset,
  customerId,
  guarded: true,
});

/** Credit that pays for some models only, one account for each grant. */
export const customerGrant = (customerId: string, grantId: string): LedgerAccount => ({
  code: `customer:${customerId}:grant:${grantId}`,
  asset: 'USD',
  customerId,
  guarded: true,
});

/** What a customer owes because a call used more than was held and the balance could not bear it. */
export const customerReceivable = (customerId: string, asset: AssetCode): LedgerAccount => ({
  code: `customer:${customerId}:receivable`,
  asset,
  customerId,
  guarded: false,
});

/** What a customer's calls earned on claimed payments whose transfers have not arrived yet. */
export const customerPromised = (customerId: string): LedgerAccount => ({
  code: `customer:${customerId}:promised`,
  asset: 'USDC',
  customerId,
  guarded: false,
});

export const revenue = (asset: AssetCode): LedgerAccount => house('revenue:inference', asset);
export const stripeClearing = (): LedgerAccount => house('stripe:clearing', 'USD');
export const stripeFees = (): LedgerAccount => house('stripe:fees', 'USD');
/** Sales tax collected with a payment: the tax office's money, not the customer's. */
export const taxPayable = (): LedgerAccount => house('tax:payable', 'USD');

/** A refund that is off the customer's credit and not yet off Stripe's balance. */
/** Bank debits that Stripe counts already and the bank has not confirmed: nobody's credit yet. */
export const stripeProcessing = (): LedgerAccount => house('stripe:processing', 'USD');
export const stripeRefunding = (): LedgerAccount => house('stripe:refunding', 'USD');
/** What a bank has withdrawn for a dispute whose outcome is open. */
export const stripeDisputed = (): LedgerAccount => house('stripe:disputed', 'USD');
/** Off Stripe's balance, and not yet in the bank. */
export const stripePayouts = (): LedgerAccount => house('stripe:payouts', 'USD');
/** What Stripe keeps back of its balance. */
export const stripeReserve = (): LedgerAccount => house('stripe:reserve', 'USD');
export const bank = (): LedgerAccount => house('bank', 'USD');
/** Between what a customer paid in another currency and what was settled for it. */
export const fxDifference = (): LedgerAccount => house('fx:difference', 'USD');

/** Paid credit that expired unused. */
export const breakage = (): LedgerAccount => house('revenue:breakage', 'USD');
/** What was given back after it was earned; beside `revenue:inference`, which stays what was used. */
export const refundsGiven = (asset: AssetCode): LedgerAccount => house('revenue:refunds', asset);
/** Credit that we gave, and that nobody paid for. */
export const promoExpense = (): LedgerAccount => house('expense:promo', 'USD');
/** Fees of disputes, and what was lost without a customer. */
export const disputesExpense = (): LedgerAccount => house('expense:disputes', 'USD');
/** Debts that an operator has given up. */
export const writeOff = (asset: AssetCode): LedgerAccount => house('expense:writeoff', asset);

/** Money whose owner is not known yet: a person looks here. */
export const suspense = (asset: AssetCode): LedgerAccount => house('suspense', asset);

/** What arrived at `payTo` on a chain. */
export const chainReceipts = (network: string, payTo: string): LedgerAccount =>
  house(`chain:${network}:USDC:${payTo.toLowerCase()}`, 'USDC');

/** USDC that is promised to us on a chain, by a voucher or a claimed payment, and has not arrived yet. */
export const chainPending = (network: string): LedgerAccount => house(`chain:${network}:pending`, 'USDC');

/** What a signer's coins have paid for gas. What it was funded with is not on the books. */
export const chainGas = (network: string, signer: string): LedgerAccount =>
  house(`chain:${network}:gas:${signer.toLowerCase()}`, 'ETH');

/** What the chains cost us: gas at the rate of the day, less what payers bear of it. */
export const networkFees = (): LedgerAccount => house('network:fees', 'USD');

/** What a foreign resource server earned with our customers' credit and has not been paid yet. */
export const merchantPayable = (serverId: string): LedgerAccount => house(`merchant:${serverId}:payable`, 'USD');

/** Where USDC becomes USD credit at par, without the two assets ever meeting in one posting. */
export const conversion = (asset: AssetCode): LedgerAccount => house('conversion', asset);

const house = (code: string, asset: AssetCode): LedgerAccount => ({ code, asset, customerId: null, guarded: false });
