import { Inject, Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { usdc } from '../../common/money';
import { CONFIG } from '../../config/config.module';
import type { Config } from '../../config/config';
import { JobsService } from '../../jobs/jobs.service';
import { LedgerService } from '../../ledger/ledger.service';
import type { Claim } from '../claim';
import { ClaimsService } from '../claims.service';
import { ReversedTransfers } from '../reversals/reversed-transfers.service';
import { walletHold } from '../wallet-hold';
import type { ExactClaimPayment } from './exact-claim';
import { ExactSettlement } from './exact-settlement.service';

/** Answers stay for repeats this long; claims stay for ever. */
const ANSWER_HOURS = 24;
/** Each may wait for a block. */
const AT_ONCE = 32;

/** Finishes what a crash or a silent chain left: every claim ends as settled, paid, released or failed. */
@Injectable()
export class ExactReconciler implements OnModuleInit {
  private readonly logger = new Logger('ExactReconciler');

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly jobs: JobsService,
    private readonly claims: ClaimsService,
    private readonly settlement: ExactSettlement,
    private readonly ledger: LedgerService,
    private readonly reversed: ReversedTransfers,
  ) {}

  onModuleInit(): void {
    this.jobs.register({
      name: 'forget-answers',
      everySeconds: 3600,
      run: () => this.claims.forgetAnswers(ANSWER_HOURS),
    });
    if (!this.config.x402) return;
    // Each network by itself: one whose node is silent keeps no other waiting.
    for (const { id } of this.config.x402.networks) {
      this.jobs.register({ name: `reconcile-exact-${id}`, everySeconds: 2, run: () => this.settleOn(id) });
    }
    this.jobs.register({ name: 'reconcile-exact', everySeconds: 2, run: () => this.tidy() });
  }

  async reconcile(): Promise<void> {
    const networks = this.config.x402?.networks ?? [];
    await Promise.all([...networks.map(({ id }) => this.settleOn(id)), this.tidy()]);
  }

  private async settleOn(network: string): Promise<void> {
    const unsettled = await this.claims.abandoned('exact', ['settling', 'in_doubt', 'promised'], AT_ONCE, network);
    await Promise.all(unsettled.map((claim) => this.settle(claim)));
  }

  private async tidy(): Promise<void> {
    for (const claim of await this.claims.abandoned('exact', ['working'])) {
      await this.free(claim).catch((error: unknown) => this.logger.error(`${claim.key} stays held: ${String(error)}`));
    }
    await this.reversed.retry('exact', (claim) => this.settlement.tryAgain(claim));
  }

  private async settle(claim: Claim): Promise<void> {
    await this.settlement
      .reconcile(claim)
      .catch((error: unknown) => this.logger.error(`${claim.key} stays ${claim.state}: ${String(error)}`));
  }

  /** What a dead worker held of the wallet's credit is returned first, for the next one with the same payment. */
  private async free(claim: Claim): Promise<void> {
    if (claim.transaction === null) return void (await this.claims.abandon(claim, 'released'));
    const { requirements } = claim.payment as ExactClaimPayment;
    const amount = usdc(BigInt(requirements.amount));
    await this.ledger.release(walletHold({ callId: claim.callId, customerId: claim.customerId as string, amount }));
    await this.claims.abandon(claim, 'paid');
  }
}
