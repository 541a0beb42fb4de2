import { Inject, Injectable } from '@nestjs/common';
import { formatMoney } from '../../common/money';
import { CONFIG } from '../../config/config.module';
import type { Config } from '../../config/config';
import { NotificationsService } from '../../customers/notifications.service';
import { DatabaseService } from '../../database/database.service';
import type { Tx } from '../../database/tx';
import { CardPaymentsService } from '../card-payments.service';
import { restSeconds } from './auto-reload';
import { AutoReloadService } from './auto-reload.service';
import { declineClass } from './decline';
import { nextReloadState, type ReloadAttempt, type ReloadOutcome } from './reload-attempt';
import { type AttemptRow, ReloadAttempts } from './reload-attempts.service';
import { type LockedRule, ReloadRules } from './reload-rules.service';
import { RESUMED, type RuleChange } from './rule-change';

/** What an outcome does to an attempt, to its rule and to the books: the same whether a job or an event tells of it. */
@Injectable()
export class ReloadOutcomes {
  constructor(
    private readonly rules: ReloadRules,
    private readonly attempts: ReloadAttempts,
    private readonly payments: CardPaymentsService,
    private readonly autoReload: AutoReloadService,
    private readonly notifications: NotificationsService,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** Before the transaction: the ledger accounts that the money of this attempt may need. */
  prepare(db: DatabaseService, { topUpId }: ReloadAttempt): Promise<void> {
    return this.payments.prepare(db, { sessionId: null, topUpId });
  }

  /**
   * Idempotent; an old outcome changes nothing. Answers what it did, in snake_case. Everybody locks in one order: the
   * top-up, the customer's credit, the rule, the attempt. So the money is booked before the rule is looked at.
   */
  async converge(tx: Tx, { id, customerId, topUpId }: ReloadAttempt, outcome: ReloadOutcome): Promise<string> {
    await tx.query('SELECT FROM topups WHERE id = $1 FOR UPDATE', [topUpId]);
    if (outcome.kind === 'succeeded') {
      await this.payments.book(tx, { sessionId: null, topUpId }, outcome.payment, outcome.movement);
    }
    const rule = await this.rules.lock(tx, customerId);
    const attempt = await this.attempts.find(id, tx, 'FOR UPDATE OF a');
    if (!rule || !attempt) throw new Error(`${id} has no row`);
    const state = nextReloadState(attempt.state, outcome.kind);
    if (state === undefined) return 'unchanged';
    switch (outcome.kind) {
      case 'succeeded':
        return this.finish(tx, rule, attempt, outcome.payment.paymentIntentId);
      case 'booked':
        return this.finish(tx, rule, attempt, null);
      case 'processing':
        await this.attempts.move(tx, id, state, { paymentIntentId: outcome.paymentIntentId });
        // It may have ended since Stripe said so, and whoever told of that found it in its state of before.
        await this.autoReload.lookAgain(tx, id);
        return 'reload_processing';
      case 'needs_authentication':
        return this.sendToPage(tx, attempt, outcome);
      case 'declined': {
        const { declineCode, adviceCode, paymentIntentId } = outcome;
        await this.attempts.move(tx, id, state, { reason: declineCode, declineCode, adviceCode, paymentIntentId });
        return this.fail(tx, rule, attempt, declineCode, declineClass(outcome));
      }
      case 'link_expired':
      case 'page_payment_failed':
        await this.attempts.move(tx, id, state, { reason: outcome.kind });
        // Resumed meanwhile, with another card: the page was in the way, and is not any more.
        if (rule.state === 'active') return this.autoReload.evaluate(tx, customerId);
        return this.fail(tx, rule, attempt, outcome.kind, 'hard');
      case 'not_wanted':
        await this.attempts.move(tx, id, state, { reason: outcome.kind });
        await tx.query(`UPDATE topups SET state = 'failed' WHERE id = $1 AND state = 'pending'`, [attempt.topUpId]);
        return this.autoReload.evaluate(tx, customerId);
      case 'no_card':
        await this.attempts.move(tx, id, state, { reason: outcome.kind });
        return this.fail(tx, rule, attempt, outcome.kind, 'hard');
      case 'never_reached':
        await this.attempts.move(tx, id, state, { reason: outcome.kind });
        return this.fail(tx, rule, attempt, outcome.kind, 'soft');
    }
  }

  private async finish(tx: Tx, rule: LockedRule, attempt: AttemptRow, paymentIntentId: string | null): Promise<string> {
    const { id, customerId, amount, fingerprint } = attempt;
    const { refusedFingerprint } = rule;
    await this.attempts.move(tx, id, 'succeeded', { paymentIntentId });
    // What came of a later charge is newer than this: late money does not undo it.
    if (await this.attempts.isNewest(tx, id)) {
      await this.rules.change(tx, customerId, {
        ...RESUMED,
        // Another card has paid: the refused one is not the one to charge next.
        refusedFingerprint: refusedFingerprint === fingerprint ? null : refusedFingerprint,
      });
    }
    await this.notifications.add(tx, {
      customerId,
      kind: 'reload_succeeded',
      key: `reload:${id}:succeeded`,
      data: { attempt: id, amount: formatMoney(amount) },
    });
    // Much may have been used meanwhile.
    await this.autoReload.evaluate(tx, customerId);
    return 'reload_succeeded';
  }

  private async sendToPage(
    tx: Tx,
    attempt: AttemptRow,
    page: Extract<ReloadOutcome, { kind: 'needs_authentication' }>,
  ) {
    const { id, customerId, topUpId, amount, fingerprint } = attempt;
    const { paymentIntentId, sessionId, url } = page;
    const reason = 'authentication_required';
    await this.attempts.move(tx, id, 'needs_authentication', { reason, paymentIntentId });
    await tx.query('UPDATE topups SET checkout_session_id = $2, url = $3 WHERE id = $1', [topUpId, sessionId, url]);
    await this.rules.change(tx, customerId, {
      state: 'needs_authentication',
      reason,
      refusedFingerprint: fingerprint,
    });
    await this.notifications.add(tx, {
      customerId,
      kind: 'reload_needs_authentication',
      key: `reload:${id}:needs_authentication`,
      data: { attempt: id, amount: formatMoney(amount) },
      url,
    });
    return 'reload_needs_authentication';
  }

  /** A hard failure, or too many soft ones in a row, ends it until the card changes; a soft one lets the card rest. */
  private async fail(tx: Tx, rule: LockedRule, attempt: AttemptRow, reason: string, how: 'hard' | 'soft') {
    const { id, customerId, topUpId, fingerprint } = attempt;
    await tx.query(`UPDATE topups SET state = 'failed' WHERE id = $1 AND state IN ('pending', 'processing')`, [
      topUpId,
    ]);
    const failures = rule.failures + 1;
    const broken = how === 'soft' && failures >= this.config.autoReload.maxFailures;
    const suspended = how === 'hard' || broken;
    const nextTryAt = suspended ? null : new Date(Date.now() + restSeconds(failures) * 1000);
    const change: RuleChange = suspended
      ? { state: 'suspended', refusedFingerprint: fingerprint, nextTryAt }
      : { nextTryAt };
    await this.rules.change(tx, customerId, { ...change, reason, failures });
    const data = { attempt: id, reason, failures, amount: formatMoney(attempt.amount) };
    const kind = suspended ? 'reload_suspended' : 'reload_failed';
    await this.notifications.add(tx, {
      customerId,
      kind,
      key: `reload:${id}:${kind}`,
      data: nextTryAt ? { ...data, nextTryAt: nextTryAt.toISOString() } : data,
    });
    if (broken) {
      const told = {
        customerId: null,
        kind: 'reload_circuit_open',
        key: `reload:${id}:circuit`,
        data: { customerId, ...data },
      };
      await this.notifications.add(tx, told);
    }
    return kind;
  }
}
