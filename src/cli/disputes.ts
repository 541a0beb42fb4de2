import { formatMoney } from '../common/money';
import type { Dispute } from '../topups/disputes/dispute';
import { DisputeStore } from '../topups/disputes/dispute-store.service';
import { toDisputeDto } from '../topups/disputes/disputes.dto';
import { withApplication } from './application-context';
import type { Command } from './command';
import { JSON_OPTION, printRows } from './output';

/** `tollbridge disputes list` */
export const listDisputes: Command = {
  options: {
    customer: { value: 'ID', about: 'Only of this customer' },
    limit: { value: 'N', about: 'At most so many; 100 when left out' },
    json: JSON_OPTION,
  },
  run: (given) =>
    withApplication(async (app) => {
      const limit = given.integer('limit', 1, 1000) ?? 100;
      const disputes = await app.get(DisputeStore, { strict: false }).list(given.text('customer'), limit);
      printRows(given, HEAD, disputes.map(rowOf), disputes.map(toDisputeDto));
    }),
};

const HEAD = ['ID', 'PHASE', 'STATUS', 'REASON', 'CUSTOMER', 'AMOUNT', 'LOST', 'OWED', 'EVIDENCE BY', 'CREATED'];

const rowOf = (dispute: Dispute) => [
  ...[dispute.id, dispute.phase, dispute.status, dispute.reason, dispute.customerId],
  ...[formatMoney(dispute.gross), formatMoney(dispute.lost.gross), formatMoney(dispute.owed)],
  ...[dispute.dueBy, dispute.createdAt],
];
