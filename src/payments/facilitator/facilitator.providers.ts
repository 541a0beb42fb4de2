import type { PaymentsPart } from '../payments-part.providers';
import { ChainFacilitator } from './chain-facilitator.service';
import { FacilitatorController } from './facilitator.controller';
import { FacilitatorService } from './facilitator.service';
import { FacilitatorSettlements } from './facilitator-settlements.service';

/** Verifies and settles for other people's resource servers: it knows none of our own calls. */
export const FACILITATOR: PaymentsPart = {
  controllers: [FacilitatorController],
  providers: [ChainFacilitator, FacilitatorSettlements, FacilitatorService],
};
