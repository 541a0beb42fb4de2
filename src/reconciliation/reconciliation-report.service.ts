import { Injectable } from '@nestjs/common';
import type { SideName } from '../common/reconciliation-side';
import { DiscrepancyStore } from './discrepancy-store.service';
import { ReconciliationRuns } from './reconciliation-runs.service';
import { type Report, reportOf } from './report';

/** What the last runs have found, and what was made of it since. */
@Injectable()
export class ReconciliationReport {
  constructor(
    private readonly runs: ReconciliationRuns,
    private readonly discrepancies: DiscrepancyStore,
  ) {}

  /** Of these sides; of all when left out. */
  async of(sides?: readonly SideName[]): Promise<Report> {
    const standing = await this.discrepancies.standing();
    const stateOf = (state: string) => standing.filter((one) => one.state === state);
    const facts = {
      takenAt: new Date(),
      outcomes: await this.runs.newest(),
      open: stateOf('open'),
      waived: stateOf('resolved').filter(({ resolution }) => resolution?.entry === null),
      resolved: stateOf('resolved').filter(({ resolution }) => resolution?.entry !== null),
    };
    return reportOf(facts, sides);
  }
}
