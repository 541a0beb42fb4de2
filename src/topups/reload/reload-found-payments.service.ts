import { Injectable, type OnModuleInit } from '@nestjs/common';
import type { Tx } from '../../database/tx';
import { ChargeSource } from '../charge-source.service';
import { ReloadAttempts } from './reload-attempts.service';
import { ReloadOutcomes } from './reload-outcomes.service';

/** Ends an attempt whose payment no event told of, in the transaction that books what was found. */
@Injectable()
export class ReloadFoundPayments implements OnModuleInit {
  constructor(
    private readonly charges: ChargeSource,
    private readonly attempts: ReloadAttempts,
    private readonly outcomes: ReloadOutcomes,
  ) {}

  onModuleInit(): void {
    this.charges.follow((tx, topUpId) => this.booked(tx, topUpId));
  }

  private async booked(tx: Tx, topUpId: string): Promise<void> {
    const attempt = await this.attempts.ofTopUp(topUpId, tx);
    if (attempt) await this.outcomes.converge(tx, attempt, { kind: 'booked' });
  }
}
