import 'reflect-metadata';
import { type INestApplicationContext, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { newId } from '../src/common/id';
import { usd } from '../src/common/money';
import { ConfigModule } from '../src/config/config.module';
import { DatabaseModule } from '../src/database/database.module';
import { DatabaseService } from '../src/database/database.service';
import { JobsModule } from '../src/jobs/jobs.module';
import { callCaptured, receivableRepaid, topUpReceived } from '../src/ledger/entries';
import { customerCredits, customerReceivable, revenue } from '../src/ledger/ledger-account';
import { LedgerAccountsService } from '../src/ledger/ledger-accounts.service';
import { LedgerVerifyService } from '../src/ledger/ledger-verify.service';
import { LedgerModule } from '../src/ledger/ledger.module';
import { LedgerService } from '../src/ledger/ledger.service';
import { Latencies } from './latencies';
import type { Command, Load, Measured, Message } from './ledger-work';
import { postPlain } from './plain-transaction';

const HELD = usd(40_000n);
const CHARGE = usd(25_000n);
const HOLD_MS = 15 * 60_000;

@Module({ imports: [ConfigModule, DatabaseModule, JobsModule, LedgerModule] })
class LedgerOnlyModule {}

/** One replica as far as the ledger needs it: a process of its own that does what it is told by message. */
class Replica {
  private readonly ledger: LedgerService;
  private readonly accounts: LedgerAccountsService;
  private readonly database: DatabaseService;

  constructor(private readonly app: INestApplicationContext) {
    this.ledger = app.get(LedgerService, { strict: false });
    this.accounts = app.get(LedgerAccountsService, { strict: false });
    this.database = app.get(DatabaseService, { strict: false });
  }

  async answer(command: Command, progress: (done: number) => void): Promise<unknown> {
    switch (command.do) {
      case 'seed':
        return each(command.customers, 256, (customer) => this.topUp(customer, command.atoms));
      case 'know':
        return each(command.customers, 64, (customer) => this.nameAccounts(customer));
      case 'run':
        return this.run(command.load);
      case 'race':
        return this.race(command.customer, command.callers, command.attempts);
      case 'fill':
        return this.fill(command.entries, command.callers, command.customers, progress);
      case 'verify':
        return this.verify();
    }
  }

  /** The product's proof of the books. No call of the bench has a usage record, so what compares those is left out. */
  private async verify(): Promise<boolean> {
    const { checks } = await this.app.get(LedgerVerifyService, { strict: false }).verify();
    const broken = checks.filter(({ name, ok }) => !ok && !name.startsWith('usage_'));
    for (const check of broken) process.stderr.write(`${check.claim} It does not: ${JSON.stringify(check.faults)}\n`);
    return broken.length === 0;
  }

  private async topUp(customerId: string, atoms: bigint): Promise<void> {
    const id = newId();
    const topUp = { topUpId: id, customerId, gross: usd(atoms), fee: usd(0n), paymentIntentId: id };
    expectVerdict('posted', await this.ledger.post(topUpReceived(topUp)));
  }

  /** Makes them or finds them, so that the first touch of a customer is no part of a measurement. */
  private async nameAccounts(customerId: string): Promise<void> {
    await this.accounts.idOf(customerCredits(customerId, 'USD'));
    await this.accounts.idOf(customerReceivable(customerId, 'USD'));
    await this.accounts.idOf(revenue('USD'));
  }

  private async run({ work, callers, seconds, customers }: Load): Promise<Measured> {
    const latencies = new Latencies();
    const perSecond: number[] = [];
    let [done, errors] = [0, 0];
    let firstError: string | undefined;
    const start = performance.now();
    const end = start + seconds * 1000;
    const caller = async () => {
      for (let now = performance.now(); now < end;) {
        const sent = now;
        try {
          await this[work](oneOf(customers));
          now = performance.now();
          latencies.record(now - sent);
          const second = Math.floor((now - start) / 1000);
          perSecond[second] = (perSecond[second] ?? 0) + 1;
          done++;
        } catch (error) {
          now = performance.now();
          errors++;
          firstError ??= String(error);
        }
      }
    };
    await Promise.all(Array.from({ length: callers }, caller));
    const elapsedMs = performance.now() - start;
    return { done, elapsedMs, latencies: latencies.counts, perSecond, errors, firstError };
  }

  private async pairs(customerId: string): Promise<void> {
    const callId = newId();
    const hold = { id: callId, account: customerCredits(customerId, 'USD'), amount: HELD };
    expectVerdict('held', await this.ledger.hold(hold, new Date(Date.now() + HOLD_MS)));
    expectVerdict('posted', await this.ledger.capture(hold, callCaptured({ callId, customerId, charge: CHARGE })));
  }

  private async posts(customerId: string): Promise<void> {
    expectVerdict('posted', await this.ledger.post(callCaptured({ callId: newId(), customerId, charge: CHARGE })));
  }

  private async plain(customerId: string): Promise<void> {
    await postPlain(this.database, customerId, newId(), CHARGE.atoms);
  }

  /** How often the customer was granted one atom; every other attempt is a hold, the rest are postings. */
  private async race(customerId: string, callers: number, attempts: number): Promise<number> {
    let granted = 0;
    await each([...Array(attempts).keys()], callers, async (attempt) => {
      const id = newId();
      const hold = { id, account: customerCredits(customerId, 'USD'), amount: usd(1n) };
      const { verdict } =
        attempt % 2 === 0
          ? await this.ledger.hold(hold, new Date(Date.now() + HOLD_MS))
          : await this.ledger.post(receivableRepaid({ customerId, amount: usd(1n), because: id }));
      if (verdict === 'held' || verdict === 'posted') granted++;
      else if (verdict !== 'insufficient') throw new Error(`the race was answered ${verdict}`);
    });
    return granted;
  }

  private async fill(
    entries: number,
    callers: number,
    customers: readonly string[],
    progress: (done: number) => void,
  ): Promise<void> {
    let started = 0;
    let done = 0;
    const timer = setInterval(() => progress(done), 1000);
    const caller = async () => {
      while (started < entries) {
        started++;
        await this.posts(oneOf(customers));
        done++;
      }
    };
    await Promise.all(Array.from({ length: callers }, caller)).finally(() => clearInterval(timer));
  }
}

function expectVerdict(expected: string, { verdict }: { verdict: string }): void {
  if (verdict !== expected) throw new Error(`${verdict} instead of ${expected}`);
}

const oneOf = (customers: readonly string[]): string =>
  customers[Math.floor(Math.random() * customers.length)] as string;

/** `work` for each, `callers` at a time. */
async function each<Item>(items: readonly Item[], callers: number, work: (item: Item) => Promise<void>): Promise<void> {
  let next = 0;
  const caller = async () => {
    while (next < items.length) await work(items[next++] as Item);
  };
  await Promise.all(Array.from({ length: callers }, caller));
}

async function main(): Promise<void> {
  const app = await NestFactory.createApplicationContext(LedgerOnlyModule, {
    logger: ['error', 'warn'],
    abortOnError: false,
  });
  const replica = new Replica(app);
  const send = (message: Message) => process.send?.(message);
  const leave = () => void app.close().finally(() => process.exit());
  process.on('SIGINT', () => undefined); // of a terminal: the bench ends us, in its order
  process.once('SIGTERM', leave);
  process.once('disconnect', leave);
  process.on('message', ({ id, command }: { id: number; command: Command }) => {
    replica
      .answer(command, (progress) => send({ id, progress }))
      .then(
        (answer) => send({ id, answer }),
        (error: unknown) => send({ id, error: error instanceof Error ? String(error.stack) : String(error) }),
      );
  });
  send({ id: 0, answer: 'ready' });
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  process.exit(1);
});
