import { newId } from '../../src/common/id';
import { usd, usdc } from '../../src/common/money';
import { CustomersService } from '../../src/customers/customers.service';
import { DatabaseService } from '../../src/database/database.service';
import { type Evidence, invoiceColumns } from '../../src/invoicing/invoice';
import { newInvoiceId } from '../../src/invoicing/invoice-id';
import type { CompanionRows } from '../../src/ledger/companion-rows';
import { callSettled } from '../../src/ledger/chain-entries';
import { callCaptured } from '../../src/ledger/entries';
import { customerCredits } from '../../src/ledger/ledger-account';
import { LedgerService } from '../../src/ledger/ledger.service';
import { usageRow } from '../../src/metering/usage-record';
import type { TestApp } from './app';

/** One call on the books, without a gateway: hold, capture, usage record and invoice, as the ledger writes them. */
export interface BookedCall {
  readonly callId: string;
  readonly invoiceId: string;
}

export interface CallFacts {
  readonly customerId: string;
  readonly keyId: string;
  readonly model?: string;
  /** In nano-USD. */
  readonly atoms: bigint;
}

const NETWORK = 'eip155:84532';

/** A call paid from prepaid credit. */
export async function bookCreditCall({ app }: Pick<TestApp, 'app'>, facts: CallFacts): Promise<BookedCall> {
  const ledger = app.get(LedgerService);
  const { customerId, keyId, model = 'gpt-4o-mini' } = facts;
  const call = newCall();
  const charge = usd(facts.atoms);
  const hold = { id: call.callId, account: customerCredits(customerId, 'USD'), amount: usd(facts.atoms + 1000n) };
  await ledger.hold(hold, new Date(Date.now() + 60_000));
  const rows = rowsOf(call, {
    customerId,
    model,
    scheme: 'credit',
    apiKeyId: keyId,
    payer: null,
    transaction: null,
    charge,
    held: hold.amount,
    evidence: { apiKeyId: keyId },
  });
  const verdict = await ledger.capture(hold, callCaptured({ callId: call.callId, customerId, charge }), rows);
  if (verdict.verdict !== 'posted') throw new Error(`not captured: ${verdict.verdict}`);
  return call;
}

/** A call paid in USDC by a wallet that sent twice what it cost, in micro-USDC. */
export async function bookChainCall({ app }: Pick<TestApp, 'app'>, wallet: string, atoms: bigint): Promise<BookedCall> {
  const customer = await app.get(CustomersService).forWallet(app.get(DatabaseService), wallet);
  const call = newCall();
  const transaction = `0x${call.callId.replaceAll('-', '').padEnd(64, '0')}`;
  const charge = usdc(atoms);
  const entry = callSettled({
    paymentId: `${NETWORK}:${call.callId}`,
    customerId: customer.id,
    network: NETWORK,
    payTo: '0x00000000000000000000000000000000000000aa',
    transaction,
    amount: usdc(atoms * 2n),
    callId: call.callId,
    charge,
  });
  const rows = rowsOf(call, {
    customerId: customer.id,
    model: 'gpt-4o-mini',
    scheme: 'exact',
    apiKeyId: null,
    payer: wallet,
    transaction,
    charge,
    held: usdc(atoms * 2n),
    evidence: { payer: wallet, network: NETWORK, transaction },
  });
  const verdict = await app.get(LedgerService).post(entry, rows, customerCredits(customer.id, 'USDC'));
  if (verdict.verdict !== 'posted') throw new Error(`not posted: ${verdict.verdict}`);
  return call;
}

function rowsOf(
  call: BookedCall,
  facts: {
    customerId: string;
    model: string;
    scheme: string;
    apiKeyId: string | null;
    payer: string | null;
    transaction: string | null;
    charge: ReturnType<typeof usd>;
    held: ReturnType<typeof usd>;
    evidence: Evidence;
  },
): CompanionRows {
  const network = facts.transaction === null ? null : NETWORK;
  const usage = usageRow({
    callId: call.callId,
    customerId: facts.customerId,
    apiKeyId: facts.apiKeyId,
    payerAddress: facts.payer,
    scheme: facts.scheme,
    endpoint: '/v1/chat/completions',
    provider: 'upstream',
    modelRequested: facts.model,
    modelServed: null,
    status: 'succeeded',
    errorCode: null,
    stream: false,
    usage: { quantities: { input: 12n, output: 0n }, source: 'provider' },
    priceId: 'price_none',
    charge: facts.charge,
    held: facts.held,
    paymentId: facts.transaction,
    network,
    transaction: facts.transaction,
    latencyMs: 5,
    ttfbMs: null,
  });
  const invoice = invoiceColumns({
    id: call.invoiceId,
    lines: [{ meter: 'input', quantity: '12', unitPriceNano: '150000000', per: '1000000', amount: '0.0000018' }],
    priceVersion: 1,
    evidence: facts.evidence,
  });
  return { usage: { ...usage, ...invoice } };
}

function newCall(): BookedCall {
  const callId = newId();
  return { callId, invoiceId: newInvoiceId(callId) };
}
