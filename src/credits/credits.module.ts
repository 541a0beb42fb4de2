import { Module } from '@nestjs/common';
import { LedgerModule } from '../ledger/ledger.module';
import { CreditPools } from './credit-pools.service';
import { FrozenCredit } from './frozen-credit.service';
import { GrantStore } from './grant-store.service';
import { GrantsService } from './grants.service';

@Module({
  imports: [LedgerModule],
  providers: [CreditPools, FrozenCredit, GrantStore, GrantsService],
  exports: [FrozenCredit, GrantsService],
})
export class CreditsModule {}
