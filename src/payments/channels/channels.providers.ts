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
import { ChannelRefunds } from './channel-refunds.service';
import { ChannelSettlements } from './channel-settlements.service';
import { ChannelWatch } from './channel-watch.service';
import { ChannelsScheme } from './channels.scheme';
import { ChannelsService } from './channels.service';
import { ClaimScheduler } from './claim-scheduler.service';

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
    ChannelRefunds,
    ChannelSettlements,
    ChannelWatch,
    ChannelsService,
    ClaimScheduler,
  ],
};
