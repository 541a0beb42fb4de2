import type { PaymentsPart } from '../payments-part.providers';
import { ChainAdminController } from './chain.admin.controller';
import { ChainStatus } from '../chain-status.service';
import { GasAlarm } from './gas-alarm.service';
import { GasBooks } from './gas-books.service';
import { KeyPool } from './key-pool.service';
import { NetworksService } from './networks.service';
import { ReceiptsService } from './receipts.service';
import { ReorganisationWatch } from './reorganisation-watch.service';
import { Settler } from './settler.service';
import { TransactionFollower } from './transaction-follower.service';
import { TransactionRecords } from './transaction-records.service';
import { TransactionReplacer } from './transaction-replacer.service';
import { TransactionSender } from './transaction-sender.service';

/** The chains: reading them, and having things happen there. No way to pay by itself. */
export const CHAIN: PaymentsPart = {
  controllers: [ChainAdminController],
  providers: [
    NetworksService,
    KeyPool,
    TransactionRecords,
    TransactionSender,
    TransactionReplacer,
    TransactionFollower,
    ReceiptsService,
    Settler,
    GasBooks,
    GasAlarm,
    ChainStatus,
    ReorganisationWatch,
  ],
};
