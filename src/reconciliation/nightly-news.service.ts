import { Injectable, Logger } from '@nestjs/common';
import { formatMoney } from '../common/money';
import { NotificationsService } from '../customers/notifications.service';
import { DatabaseService } from '../database/database.service';
import type { Tx } from '../database/tx';
import { ReconciliationReport } from './reconciliation-report.service';
import { ReconciliationRuns } from './reconciliation-runs.service';
import type { Report } from './report';

/** Tells the operator how a night went, when something does not match: in the log, and once a day as a notification. */
@Injectable()
export class NightlyNews {
  private readonly logger = new Logger('Reconciliation');

  constructor(
    private readonly database: DatabaseService,
    private readonly runs: ReconciliationRuns,
    private readonly reports: ReconciliationReport,
    private readonly notifications: NotificationsService,
  ) {}

  /** Of every night that has ended and was not told of: whoever dies before that leaves it to the next look. */
  async tell(): Promise<void> {
    for (const { id, day } of await this.runs.untold()) {
      const report = await this.reports.of();
      await this.database.transaction(async (tx) => {
        if (await this.runs.markTold(tx, id)) await this.tellOf(tx, day, report);
      });
    }
  }

  private async tellOf(tx: Tx, day: string, report: Report): Promise<void> {
    if (report.verdict === 'clean') return this.logger.log(`The books of ${day} are what everybody else says.`);
    const data = dataOf(report);
    this.logger.error(`ALERT the reconciliation of ${day} is not clean: ${JSON.stringify(data)}`);
    await this.notifications.add(tx, {
      customerId: null,
      kind: report.verdict === 'failed' ? 'reconciliation_failed' : 'reconciliation_open',
      key: `reconciliation:${day}:${report.verdict}`,
      data: { day, ...data },
    });
  }
}

const dataOf = ({ open, sides }: Report): Readonly<Record<string, unknown>> => ({
  open: open.length,
  failed: sides.filter(({ failed }) => failed !== undefined).map(({ side }) => side),
  unexplained: sides.flatMap(({ side, totals }) =>
    totals
      .filter(({ unexplained }) => unexplained !== 0n)
      .map(({ asset, unexplained }) => ({ side, asset, amount: formatMoney({ asset, atoms: unexplained }) })),
  ),
});
