import { Injectable } from '@nestjs/common';
import { DatabaseService } from '../../database/database.service';
import type { Tx } from '../../database/tx';
import { cardToCharge, type SavedCard } from '../cards/saved-card';
import { SavedCardsService } from '../cards/saved-cards.service';
import type { StripeEffect } from '../stripe-events.service';
import { AutoReloadService } from './auto-reload.service';
import { type AttemptRow, ReloadAttempts } from './reload-attempts.service';
import { ReloadCharges } from './reload-charges.service';
import { type LockedRule, ReloadRules } from './reload-rules.service';
import { RESUMED, RESUMED_BY_CARD, type RuleChange } from './rule-change';

/** Which card auto-reload charges, and how a rule that one has stopped goes on with another. */
@Injectable()
export class ReloadCards {
  constructor(
    private readonly database: DatabaseService,
    private readonly rules: ReloadRules,
    private readonly attempts: ReloadAttempts,
    private readonly cards: SavedCardsService,
    private readonly charges: ReloadCharges,
    private readonly autoReload: AutoReloadService,
  ) {}

  /** @throws CardProcessorError */
  async toCharge(customerId: string): Promise<SavedCard | undefined> {
    const rule = await this.rules.find(customerId);
    return cardToCharge(await this.cards.list(customerId), await this.refused(customerId, rule));
  }

  /**
   * With the card written down before it is charged: what is repeated must be the same. Much may have happened since the
   * decision, so it is made again. @throws CardProcessorError
   */
  async begin({ id, customerId }: AttemptRow): Promise<AttemptRow | 'no_card' | 'not_wanted'> {
    const card = await this.toCharge(customerId);
    return this.database.transaction(async (tx) => {
      if (!(await this.autoReload.isWanted(tx, customerId))) return 'not_wanted';
      if (!card) return 'no_card';
      if (await this.isDoubted(tx, customerId, card)) return 'not_wanted';
      await this.attempts.begin(tx, id, card);
      return (await this.attempts.find(id, tx)) ?? 'not_wanted';
    });
  }

  /** Whether a charge that was begun, and of which nobody knows, may be asked for again. */
  isWanted(attempt: AttemptRow): Promise<boolean> {
    const { customerId } = attempt;
    return this.database.transaction(async (tx) => {
      return (await this.autoReload.isWanted(tx, customerId)) && !(await this.isDoubted(tx, customerId, attempt));
    });
  }

  /** Our customer, if its rule waits for another card. */
  async stoppedCustomer(stripeCustomerId: string): Promise<string | undefined> {
    const [stopped] = await this.database.query<{ customer_id: string }>(
      `SELECT r.customer_id FROM auto_reload_rules r JOIN customers c ON c.id = r.customer_id
        WHERE c.stripe_customer_id = $1 AND r.state <> 'active'`,
      [stripeCustomerId],
    );
    return stopped?.customer_id;
  }

  /**
   * The cards of a customer have changed: with another than what was refused it goes on, and what was refused stays so;
   * or else because the bank has `renewed` the very card (its fingerprint).
   */
  async changed(customerId: string, renewed: string | undefined): Promise<StripeEffect | undefined> {
    const rule = await this.rules.find(customerId);
    const sameAgain = renewed !== undefined && renewed === rule?.refusedFingerprint;
    if (!sameAgain && !(await this.toCharge(customerId))) return undefined;
    await this.closePages(customerId);
    return (tx) => this.resume(tx, customerId, sameAgain ? RESUMED : RESUMED_BY_CARD);
  }

  /** The customer says that it may go on. @throws CardProcessorError */
  async resumeNow(customerId: string): Promise<void> {
    await this.closePages(customerId);
    await this.database.transaction((tx) => this.resume(tx, customerId, RESUMED));
  }

  private async resume(tx: Tx, customerId: string, change: RuleChange): Promise<string> {
    const rule = await this.rules.lock(tx, customerId);
    if (!rule) return 'unchanged';
    await this.rules.change(tx, customerId, change);
    await this.autoReload.evaluate(tx, customerId);
    return 'reload_resumed';
  }

  /** Its bank may have warned of it since it was chosen. */
  private async isDoubted(tx: Tx, customerId: string, { fingerprint }: Pick<SavedCard, 'fingerprint'>) {
    return fingerprint !== null && (await this.rules.doubtedCards(tx, customerId)).includes(fingerprint);
  }

  /**
   * Besides the card that stopped the rule, those that were declined for good since the last success, and those that
   * their bank warns of.
   */
  private async refused(customerId: string, rule: LockedRule | undefined): Promise<ReadonlySet<string>> {
    const { refusedFingerprint: last = null, failures = 0 } = rule ?? {};
    const hard = failures === 0 ? [] : await this.attempts.refusedCards(customerId, failures);
    const doubted = await this.rules.doubtedCards(this.database, customerId);
    return new Set([...(last === null ? [] : [last]), ...hard, ...doubted]);
  }

  /** A page that waits for its holder is an attempt that is pending: there is no other beside it. */
  private async closePages(customerId: string): Promise<void> {
    const [newest] = await this.attempts.list(customerId, 1);
    if (newest?.state === 'needs_authentication') await this.charges.closePage(newest);
  }
}
