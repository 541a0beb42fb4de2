import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { prefixedId } from '../../common/id';
import { formatMoney, minus, type Money } from '../../common/money';
import { CONFIG } from '../../config/config.module';
import type { Config } from '../../config/config';
import { BalanceWatch } from '../../credits/balance-watch.service';
import { NotificationsService } from '../../customers/notifications.service';
import type { Tx } from '../../database/tx';
import { JobsService } from '../../jobs/jobs.service';
import { bonusOf } from '../tiers';
import { type AutoReloadRule, leftOf, sizeOf, taxNotice } from './auto-reload';
import { reloadJob, reloadLookJob } from './reload-job';
import { ReloadAttempts } from './reload-attempts.service';
import { ReloadRules, type ReloadSituation } from './reload-rules.service';

/** What an evaluation came to. */
export type Evaluation =
  'started' | 'no_rule' | 'not_active' | 'resting' | 'pending' | 'disputed' | 'enough' | 'cap_reached';

/**
 * Decides whether a balance is to be filled up. Whoever may have changed something asks (a call that went below the
 * threshold, money that arrived, a rule that changed); the answer is given under the rule's lock, so that many askers
 * start one attempt.
 */
@Injectable()
export class AutoReloadService implements OnModuleInit {
  constructor(
    private readonly jobs: JobsService,
    private readonly rules: ReloadRules,
    private readonly attempts: ReloadAttempts,
    private readonly notifications: NotificationsService,
    private readonly watch: BalanceWatch,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  onModuleInit(): void {
    this.watch.listen({
      customers: (tx) => this.rules.enabled(tx),
      thresholds: async (tx, customerId) => {
        const rule = await this.rules.find(customerId, tx);
        return rule?.enabled ? [rule.threshold] : [];
      },
      crossed: (tx, customerId) => this.evaluate(tx, customerId),
    });
  }

  /** In the transaction of what may have changed the answer. An attempt exists with its commit, and never without it. */
  async evaluate(tx: Tx, customerId: string): Promise<Evaluation> {
    // Nobody is there to say where it lives: tax cannot be added, and must not be left out.
    if (this.config.topUps.tax) return 'not_active';
    const rule = await this.rules.lock(tx, customerId);
    if (!rule) return 'no_rule';
    if (!rule.enabled || rule.state !== 'active') return 'not_active';
    const situation = await this.rules.situation(tx, customerId);
    if (situation.pending) return this.goOn(tx, rule, situation);
    if (situation.disputed) return 'disputed';
    if (rule.nextTryAt !== null && rule.nextTryAt > situation.now) return 'resting';
    const left = leftOf(rule, situation.charged);
    const sized = sizeOf(rule, situation.balance, left, this.config.topUps);
    if ('charge' in sized) return this.start(tx, rule, sized.charge);
    if (sized.none === 'cap_reached') await this.tellOfCap(tx, rule, situation);
    return sized.none;
  }

  /** Whether a charge that was planned is still to be made; under the rule's lock, in the transaction that begins it. */
  async isWanted(tx: Tx, customerId: string): Promise<boolean> {
    const rule = await this.rules.lock(tx, customerId);
    if (!rule?.enabled || rule.state !== 'active' || this.config.topUps.tax) return false;
    const { disputed, balance } = await this.rules.situation(tx, customerId);
    return !disputed && balance.atoms < rule.threshold.atoms;
  }

  /** Before a rule is locked whose threshold is to change: `watchFor` follows. */
  async lockBalance(tx: Tx, customerId: string): Promise<void> {
    await this.watch.lock(tx, customerId);
  }

  /** The threshold may be another one now. */
  watchFor(tx: Tx, customerId: string): Promise<void> {
    return this.watch.arm(tx, customerId);
  }

  private async start(tx: Tx, rule: AutoReloadRule, charge: Money): Promise<'started'> {
    const attempt = { id: prefixedId('arl'), topUpId: prefixedId('top'), customerId: rule.customerId, amount: charge };
    await this.attempts.insert(tx, { ...attempt, bonus: bonusOf(charge, this.config.topUps.tiers) });
    await this.rules.change(tx, rule.customerId, { reason: null, nextTryAt: null });
    await this.jobs.enqueue(tx, reloadJob(attempt.id));
    return 'started';
  }

  /** What was asked of Stripe when nobody wanted it any more is wanted again: it is asked for now, not at its next turn. */
  private async goOn(tx: Tx, { customerId, threshold }: AutoReloadRule, at: ReloadSituation): Promise<'pending'> {
    const unwanted = await this.attempts.unwanted(tx, customerId);
    if (unwanted !== undefined && !at.disputed && at.balance.atoms < threshold.atoms) {
      await this.jobs.hasten(tx, reloadJob(unwanted).id);
    }
    return 'pending';
  }

  /** A charge that a bank is moving: its present state is asked for once more, when nobody can be in between. */
  async lookAgain(tx: Tx, attemptId: string): Promise<void> {
    await this.jobs.enqueue(tx, reloadLookJob(attemptId));
  }

  /** The operator adds tax now, so that nothing starts itself any more. Told once a month while that is so. */
  async tellOfTax(tx: Tx, customerId: string): Promise<void> {
    await this.notifications.add(tx, {
      customerId,
      kind: 'reload_unavailable',
      key: taxNotice(customerId, new Date()),
      data: { reason: 'tax_is_added' },
    });
  }

  /** Told once for each window that is full; tried again when the next one begins. */
  private async tellOfCap(tx: Tx, rule: AutoReloadRule, { charged, balance, windows }: ReloadSituation): Promise<void> {
    const { dayCap, monthCap, customerId } = rule;
    const month =
      monthCap !== null && (dayCap === null || freeIn(monthCap, charged.month) <= freeIn(dayCap, charged.day));
    const window = month ? windows.month : windows.day;
    await this.rules.change(tx, customerId, { reason: 'cap_reached', nextTryAt: window.to });
    const cap = month ? monthCap : dayCap;
    await this.notifications.add(tx, {
      customerId,
      kind: 'reload_cap_reached',
      key: `reload-cap:${customerId}:${month ? 'month' : 'day'}:${window.from.toISOString()}`,
      data: {
        period: month ? 'month' : 'day',
        cap: cap && formatMoney(cap),
        charged: formatMoney(month ? charged.month : charged.day),
        balance: formatMoney(balance),
        resetsAt: window.to.toISOString(),
      },
    });
  }
}

const freeIn = (cap: Money, charged: Money): bigint => minus(cap, charged).atoms;
