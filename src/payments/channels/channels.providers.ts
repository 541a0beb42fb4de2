import type { PaymentsPart } from '../payments-part.providers';
import { ChannelAdmission } from './channel-admission.service';
import { ChannelAuthorizers } from './channel-authorizers.service';
import { ChannelCapture } from './channel-capture.service';
import { ChannelChain } from './channel-chain.service';
import { ChannelClaimSender } from './channel-claim-sender.service';
import { ChannelClaims } from './channel-claims.service';
import { ChannelDeposits } from './channel-deposits.service';
import { ChannelMirror } from './channel-mirror.service';
import { ChannelPrepaid } from './channel-prepaid.service';
import { ChannelReconciler } from './channel-reconciler.service';
import { ChannelRefundSender } from './channel-refund-sender.service';
import { ChannelRefundsController } from './channel-refunds.controller';
import { ChannelRefunds } from './channel-refunds.service';
import { ChannelSettlements } from './channel-settlements.service';
import { ChannelTurns } from './channel-turns.service';
import { ChannelWatch } from './channel-watch.service';
import { ChannelsAdminController } from './channels.admin.controller';
import { ChannelsScheme } from './channels.scheme';
import { ChannelsService } from './channels.service';
import { ClaimScheduler } from './claim-scheduler.service';
import { SdkChannelStorage } from './sdk-channel-storage.service';

export const CHANNELS: PaymentsPart = {
  schemes: [ChannelsScheme],
  providers: [
    ChannelAdmission,
    ChannelAuthorizers,
    ChannelCapture,
    ChannelChain,
    ChannelClaimSender,
    ChannelClaims,
    ChannelDeposits,
    ChannelMirror,
    ChannelPrepaid,
    ChannelReconciler,
    ChannelRefundSender,
    ChannelRefunds,
    ChannelSettlements,
    ChannelTurns,
    ChannelWatch,
    ChannelsService,
    ClaimScheduler,
    SdkChannelStorage,
  ],
  controllers: [ChannelRefundsController, ChannelsAdminController],
};
