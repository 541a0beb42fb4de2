import { Injectable } from '@nestjs/common';
import type { AssetCode } from '../common/asset';
import { instantOf } from '../common/id';
import { NotFoundError } from '../common/billing-error';
import { formatAtoms, formatMoney, usdc } from '../common/money';
import { DatabaseService } from '../database/database.service';
import { type ChannelCall, type NetworkFee, NetworkFees } from '../payments/network-fees.service';
import { UsdcRefundStore } from '../payments/usdc-refund-store.service';
import type { Evidence, Invoice } from './invoice';
import { decodeCursor, encodeCursor } from './invoice-cursor';
import { callIdIn } from './invoice-id';

export interface InvoiceFilter {
  /** Left out: every customer's. */
  readonly customerId?: string | undefined;
  readonly model?: string | undefined;
  /** Inclusive. */
  readonly from?: Date | undefined;
  /** Exclusive. */
  readonly to?: Date | undefined;
}

export interface InvoicePage {
  readonly invoices: readonly Invoice[];
  /** Where the next page begins; `null` after the last one. */
  readonly next: string | null;
}

/** Reads invoices. They are written by the ledger, in the transaction of the charge. */
@Injectable()
export class InvoicesService {
  constructor(
    private readonly database: DatabaseService,
    private readonly fees: NetworkFees,
    private readonly refunds: UsdcRefundStore,
  ) {}

  /** @throws NotFoundError `invoice_not_found` */
  async get(id: string): Promise<Invoice> {
    const callId = callIdIn(id);
    const rows = callId
      ? await this.database.query<InvoiceRow>(
          'SELECT * FROM invoices WHERE issued_at = $1 AND call_id = $2 AND id = $3',
          [instantOf(callId), callId, id],
        )
      : [];
    if (!rows[0]) {
      const hint = 'The id is in the response header x-tollbridge-invoice of the call.';
      throw new NotFoundError({ what: 'invoice', id, hint });
    }
    const [invoice] = await this.withLaterFacts([toInvoice(rows[0])]);
    return invoice as Invoice;
  }

  /**
   * Newest first. No invoice that was there at the first page is repeated or left out on a later one.
   * @throws InvalidRequestError `invalid_cursor`
   */
  async list(filter: InvoiceFilter, limit: number, after?: string): Promise<InvoicePage> {
    const { where, parameters } = conditions(filter, after);
    const rows = await this.database.query<InvoiceRow>(
      `SELECT * FROM invoices ${where} ORDER BY issued_at DESC, call_id DESC LIMIT ${limit + 1}`,
      parameters,
    );
    const page = rows.slice(0, limit);
    const last = page.at(-1);
    const next = rows.length > limit && last ? encodeCursor(last.call_id) : null;
    return { invoices: await this.withLaterFacts(page.map(toInvoice)), next };
  }

  /**
   * What is known only long after the invoice was written: a voucher's gas, where a promised payment was settled, what
   * was given back.
   */
  private async withLaterFacts(invoices: readonly Invoice[]): Promise<Invoice[]> {
    const byVoucher = invoices.filter(
      ({ evidence }) => evidence.channel !== undefined && evidence.charged !== undefined,
    );
    const promised = invoices.filter(({ evidence }) => evidence.promised !== undefined);
    const inUsdc = invoices.filter(({ amount }) => amount.asset === 'USDC');
    const [fees, kept, refunded] = await Promise.all([
      this.fees.of(byVoucher.map(channelCall)),
      this.fees.ofPromised(promised.map(({ callId }) => callId)),
      this.refunds.refundedOf(inUsdc.map(({ callId }) => callId)),
    ]);
    return invoices.map((invoice) => {
      const { transaction, fee = fees[byVoucher.indexOf(invoice)] } = kept.get(invoice.callId) ?? {};
      const evidence = { ...invoice.evidence, ...(transaction && { transaction }), ...(fee && shownFee(fee)) };
      const atoms = refunded.get(invoice.callId);
      return { ...invoice, evidence, ...(atoms !== undefined && { refunded: usdc(atoms) }) };
    });
  }
}

const channelCall = ({ amount, evidence }: Invoice): ChannelCall => ({
  channel: evidence.channel as string,
  charged: BigInt(evidence.charged as string),
  charge: amount.atoms + BigInt(evidence.credited ?? 0),
  deposit: evidence.deposit,
});

const shownFee = ({ wei, value }: NetworkFee) => ({ networkFee: formatMoney(value), gas: formatAtoms(wei, 18) });

/** Only what is asked for, so that the planner sees a range on an index and leaves out the other months. */
function conditions(filter: InvoiceFilter, after: string | undefined): { where: string; parameters: unknown[] } {
  const parameters: unknown[] = [];
  const clauses: string[] = [];
  const bind = (value: unknown) => `$${parameters.push(value)}`;
  if (filter.customerId !== undefined) clauses.push(`customer_id = ${bind(filter.customerId)}`);
  if (filter.model !== undefined) clauses.push(`model = ${bind(filter.model)}`);
  if (filter.from) clauses.push(`issued_at >= ${bind(filter.from)}`);
  if (filter.to) clauses.push(`issued_at < ${bind(filter.to)}`);
  if (after !== undefined) {
    const callId = decodeCursor(after);
    const time = `${bind(instantOf(callId))}::timestamptz`;
    clauses.push(`issued_at <= ${time}`, `(issued_at, call_id) < (${time}, ${bind(callId)}::uuid)`);
  }
  return { where: clauses.length === 0 ? '' : `WHERE ${clauses.join(' AND ')}`, parameters };
}

interface InvoiceRow {
  id: string;
  issued_at: Date;
  call_id: string;
  customer_id: string;
  endpoint: string;
  model: string;
  status: string;
  lines: Invoice['lines'];
  price_id: string;
  price_version: number;
  asset: AssetCode;
  atoms: bigint;
  scheme: string;
  evidence: Evidence;
  entry_id: bigint;
  balance_after: bigint;
}

const toInvoice = (row: InvoiceRow): Invoice => ({
  id: row.id,
  issuedAt: row.issued_at,
  callId: row.call_id,
  customerId: row.customer_id,
  endpoint: row.endpoint,
  model: row.model,
  status: row.status,
  lines: row.lines,
  priceId: row.price_id,
  priceVersion: row.price_version,
  amount: { asset: row.asset, atoms: row.atoms },
  scheme: row.scheme,
  evidence: row.evidence,
  entryId: row.entry_id,
  balanceAfter: { asset: row.asset, atoms: row.balance_after },
});
