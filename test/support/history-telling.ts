import { startStripeSimulator, type StripeSimulator } from '../../src/local/stripe/stripe-simulator';
import { Crashes } from './history-crashes';
import { JobsService } from '../../src/jobs/jobs.service';
import { EventSweep } from '../../src/topups/stripe-books/event-sweep.service';
import { booksOf, type HistoryBooks, houseNow, type StripeBooks, stripeOf } from './history-books';
import { type History, isAsked, type RestAction, type Segment, type Story, storiesOf, type Trouble } from './history';
import { HistoryChain, startChainSide } from './history-chain';
import { echoesOf, HistoryEvents } from './history-events';
import { HistoryLife } from './history-life';
import { type Json } from './card-world';
import { type PaybackWorld, startPaybackWorld } from './payback-world';
import { asOwner } from './owner';
import { eventually } from './program';
import { seedPrices } from './world';

/** How a telling of a history ends, and what could happen in it. */
type HistoryEnd = HistoryBooks &
  StripeBooks & {
    /** What each wallet has on the chain, in micro-USDC. */
    readonly purses: readonly bigint[];
    readonly log: readonly string[];
  };

interface Telling {
  act(life: HistoryLife, action: RestAction, trouble: Trouble): Promise<void>;
  tell(life: HistoryLife, segment: Segment): Promise<void>;
}

/** Where histories are lived, one after another: each at a Stripe of its own, with customers of its own. */
export class HistoryWorld {
  private simulator: StripeSimulator;
  private readonly events: HistoryEvents;
  private readonly jobs: JobsService;

  private constructor(
    readonly world: PaybackWorld,
    private readonly crashes: Crashes,
    private readonly tax: boolean,
    readonly chain: HistoryChain | undefined,
  ) {
    this.simulator = world.simulator;
    this.jobs = world.app.app.get(JobsService, { strict: false });
    this.events = new HistoryEvents(world);
  }

  static async start({ tax, usdc }: { tax: boolean; usdc: boolean }): Promise<HistoryWorld> {
    const onChain = usdc ? await startChainSide() : undefined;
    const world = await startPaybackWorld({
      ...onChain?.env,
      TOPUP_TIERS: '50:5,100:20',
      TOPUP_CURRENCIES: 'usd,eur:1.08',
      STRIPE_TAX: String(tax),
    });
    if (!onChain) return new HistoryWorld(world, new Crashes(world.database), tax, undefined);
    await seedPrices(world.app);
    const chain = new HistoryChain(world.app, world.database, onChain);
    return new HistoryWorld(world, new Crashes(world.database), tax, chain);
  }

  async stop(): Promise<void> {
    await this.world.stop();
    await this.simulator.stop();
    await this.chain?.stop();
  }

  /** Everything is told as soon as it happens, once. */
  inOrder(history: History): Promise<HistoryEnd> {
    return this.live(history, {
      act: (life, action) => life.act(action),
      tell: async (life, segment) => {
        for await (const _ of life.happen(segment, storiesOf(history, segment))) await this.told();
      },
    });
  }

  /** A segment has happened when its events begin to arrive: late, often, never, in any order, and not undisturbed. */
  troubled(history: History): Promise<HistoryEnd> {
    return this.live(history, {
      act: async (life, action, { crashes, together }) => {
        if (!isAsked(action)) return life.act(action);
        this.crashes.arm(crashes);
        await life.act(action, together);
        this.crashes.disarm();
      },
      tell: (life, segment) => this.tellTroubled(life, segment, storiesOf(history, segment)),
    });
  }

  private async tellTroubled(life: HistoryLife, segment: Segment, stories: readonly Story[]): Promise<void> {
    const { trouble } = segment;
    for await (const _ of life.happen(segment, stories));
    this.crashes.arm(trouble.crashes);
    if (trouble.stripe) await this.world.press('faults', { ...trouble.stripe, times: 2 });
    const old = this.events.seen.slice();
    await this.settle((events) => this.events.deliverTroubled(events, trouble));
    this.crashes.disarm();
    await this.world.press('faults/clear');
    await this.told();
    // What was never delivered is in the list of events.
    await this.world.app.app.get(EventSweep, { strict: false }).sweep();
    await this.events.deliverEach(echoesOf(old, trouble));
    await this.told();
  }

  private async live(history: History, telling: Telling): Promise<HistoryEnd> {
    await this.newStripe();
    const before = await houseNow(this.world);
    const life = new HistoryLife(this.world, this.chain);
    await life.begin(history);
    await this.told();
    for (const segment of history.segments) {
      for (const action of segment.rest) {
        await telling.act(life, action, segment.trouble);
        await this.chain?.settled();
        await this.told();
      }
      await telling.tell(life, segment);
      // As the schedule does each minute.
      await this.jobs.runNow('auto-reload-due');
      await this.told();
    }
    await life.end();
    await this.told();
    const wallets = await this.chain?.wallets(life.payers);
    const ids = [...life.customerIds, ...(wallets?.customerIds ?? [])];
    const books = await booksOf(this.world, ids, before);
    return { ...books, ...(await stripeOf(this.world)), purses: wallets?.purses ?? [], log: life.log };
  }

  /** Everything is told, as it happened. */
  private told(): Promise<void> {
    return this.settle((events) => this.events.deliverEach(events));
  }

  /** Tells by `deliver` what has happened, and does what follows from it, until nothing is left. */
  private async settle(deliver: (events: readonly Json[]) => Promise<void>): Promise<void> {
    // Not again and again: while a call is in flight it asks for itself anew.
    const freezeRest = `UPDATE jobs SET run_at = now() WHERE name = 'freeze-rest' AND state = 'waiting'`;
    await this.world.database.query(freezeRest);
    for (;;) {
      await this.idle();
      const fresh = await this.events.fresh();
      if (fresh.length === 0) return;
      await deliver(fresh);
    }
  }

  /** What is to be tried again later is tried now, and so is what waits a minute for Stripe to tell of a fee by itself. */
  private async idle(): Promise<void> {
    await eventually('The end of all jobs', async () => {
      const due = await this.world.database.query(
        `WITH hurried AS (
           UPDATE jobs SET run_at = now()
            WHERE finished_at IS NULL AND state = 'waiting' AND run_at > now()
              AND (attempts > 0 OR name = 'stripe-fee') RETURNING id),
         due AS (
           SELECT id FROM jobs WHERE finished_at IS NULL AND (state <> 'waiting' OR run_at <= now())
           UNION SELECT id FROM hurried)
         SELECT id, pg_notify('tollbridge_jobs', '') FROM due`,
      );
      return due.length === 0 ? true : undefined;
    });
  }

  private async newStripe(): Promise<void> {
    const { port, secretKey, webhookSecret } = this.simulator;
    // Nothing of the life before is asked for at the new Stripe.
    await asOwner(
      this.world.app,
      'UPDATE auto_reload_rules SET enabled = false WHERE enabled',
      'DELETE FROM event_sweeps',
      'DELETE FROM payouts',
    );
    await this.simulator.stop();
    this.simulator = await startStripeSimulator({ port, secretKey, webhook: { secret: webhookSecret } });
    this.events.forget();
    const settings = { settlementCurrencies: ['usd'], rates: { eur: '1.10' } };
    // Connections to the one before are closed, and whoever kept them finds that out by using them.
    await eventually('A new Stripe', () => this.world.press('account', settings).catch(() => undefined));
    if (!this.tax) return;
    await this.world.stripe.tax.registrations.create({
      country: 'DE',
      active_from: 'now',
      country_options: { de: { type: 'standard' } },
    });
  }
}
