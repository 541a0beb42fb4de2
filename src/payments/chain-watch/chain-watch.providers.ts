import type { PaymentsPart } from '../payments-part.providers';
import { AttributionsAdminController } from './attributions.admin.controller';
import { Attributions } from './attributions.service';
import { BookedTransfers } from './booked-transfers.service';
import { ChainCursors } from './chain-cursors.service';
import { ChainReader } from './chain-reader.service';
import { ChainReconciliation } from './chain-reconciliation.service';
import { ChainReport } from './chain-report.service';
import { OurAddresses } from './our-addresses.service';
import { SuspendedTransfers } from './suspended-transfers.service';
import { TransferMatching } from './transfer-matching.service';
import { WatchedBooks } from './watched-books.service';

/** The chains against the books. No way to pay by itself. */
export const CHAIN_WATCH: PaymentsPart = {
  controllers: [AttributionsAdminController],
  providers: [
    Attributions,
    OurAddresses,
    ChainCursors,
    ChainReader,
    BookedTransfers,
    TransferMatching,
    SuspendedTransfers,
    WatchedBooks,
    ChainReport,
    ChainReconciliation,
  ],
};
