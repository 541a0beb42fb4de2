import fc from 'fast-check';
import { newId, prefixedId } from '../../src/common/id';
import { usd } from '../../src/common/money';
import { CreditPools } from '../../src/credits/credit-pools.service';
import { GrantHistory } from '../../src/credits/grant-history.service';
import type { JournalEntry } from '../../src/ledger/journal-entry';
import {
  customerCredits,
  customerGrant,
  customerReceivable,
  type LedgerAccount,
  stripeRefunding,
} from '../../src/ledger/ledger-account';
import type { LedgerHold } from '../../src/ledger/ledger.service';
import { startTestApp, type TestApp } from '../support/app';
import { brokenGrants, GrantsWorld, type LeggedCall } from '../support/grants-world';

/** Whatever happens to credit in whatever order, a customer's balance is the sum of its grants. */
describe('the grants of a customer', () => {
  let app: TestApp;
  let world: GrantsWorld;

  beforeAll(async () => {
    app = await startTestApp({ JOBS_IN_PROCESS: 'false' });
    world = new GrantsWorld(app);
  });
  afterAll(() => app?.stop());

  const step = fc.oneof(
    fc.record({ act: fc.constant('give'), atoms: fc.bigInt(1n, 20n), promo: fc.boolean() }),
    fc.record({ act: fc.constant('give for a model'), atoms: fc.bigInt(1n, 20n), promo: fc.boolean() }),
    fc.record({ act: fc.constant('hold for the model'), atoms: fc.bigInt(1n, 30n) }),
    fc.record({ act: fc.constant('capture for the model'), atoms: fc.bigInt(0n, 40n), which: fc.nat() }),
    fc.record({ act: fc.constant('release for the model'), which: fc.nat() }),
    fc.record({ act: fc.constant('hold'), atoms: fc.bigInt(1n, 20n) }),
    fc.record({ act: fc.constant('capture'), atoms: fc.bigInt(0n, 30n), which: fc.nat() }),
    fc.record({ act: fc.constant('release'), which: fc.nat() }),
    fc.record({ act: fc.constant('take'), atoms: fc.bigInt(1n, 25n), which: fc.nat(), force: fc.boolean() }),
    fc.record({ act: fc.constant('give back'), which: fc.nat() }),
    fc.record({ act: fc.constant('freeze'), which: fc.nat() }),
    fc.record({ act: fc.constant('thaw'), which: fc.nat() }),
    fc.record({ act: fc.constant('take what is frozen'), atoms: fc.bigInt(1n, 20n), which: fc.nat() }),
    fc.record({ act: fc.constant('end'), which: fc.nat() }),
    fc.record({ act: fc.constant('limit'), atoms: fc.bigInt(0n, 30n) }),
    fc.record({ act: fc.constant('look'), which: fc.nat() }),
  );
  type Step = { act: string; atoms?: bigint; which?: number; promo?: boolean; force?: boolean };

  const moved = (credits: LedgerAccount, atoms: bigint, direction: 'off' | 'back', forced: boolean): JournalEntry => {
    const customerId = credits.customerId as string;
    const sides =
      direction === 'off' ? { from: credits, to: stripeRefunding() } : { from: stripeRefunding(), to: credits };
    const overflow = forced ? { overflow: customerReceivable(customerId, 'USD') } : {};
    const posting = { ...sides, amount: usd(atoms), ...overflow };
    return { key: `test:${newId()}`, kind: 'test_movement', customerId, postings: [posting] };
  };

  /** `after` each step: whose grants they are. */
  async function live(
    steps: readonly Step[],
    after: (customerId: string) => Promise<void> = async () => undefined,
  ): Promise<void> {
    const customerId = prefixedId('cus');
    const ids: string[] = [];
    /** What a grant gave at first, and was not taken back of it: a refund is never of more than was paid. */
    const refundable = new Map<string, bigint>();
    const calls: LedgerHold[] = [];
    const scoped: string[] = [];
    const leggedCalls: LeggedCall[] = [];
    const accountOf = (grantId: string) =>
      scoped.includes(grantId) ? customerGrant(customerId, grantId) : customerCredits(customerId, 'USD');
    const freezes: { holdId: string; grantId: string }[] = [];
    const takings: { grantId: string; atoms: bigint }[] = [];
    const one = <Item>(list: Item[], which = 0) => list.splice(which % Math.max(list.length, 1), 1)[0];

    const take = async (grantId: string, wanted: bigint, force: boolean, frozenBy?: string) => {
      const most = refundable.get(grantId) ?? 0n;
      const atoms = wanted < most ? wanted : most;
      const taken = await world.transaction((tx) => {
        const entry = moved(accountOf(grantId), atoms, 'off', force);
        return world.grants.take(tx, entry, { grantIds: [grantId], amount: usd(atoms), force, frozenBy });
      });
      if (taken.kind === 'insufficient') return expect(taken.free.atoms).toBeLessThan(atoms);
      takings.push({ grantId, atoms });
      refundable.set(grantId, most - atoms);
    };

    const acts: Record<string, (step: Required<Step>) => Promise<unknown>> = {
      give: async ({ atoms, promo }) => {
        const id = await world.give(customerId, atoms, { class: promo ? 'promo' : 'paid' });
        ids.push(id);
        refundable.set(id, atoms);
      },
      'give for a model': async ({ atoms, promo }) => {
        const id = await world.giveFor(['m'], customerId, atoms, { priority: promo ? 40 : 60 });
        for (const list of [ids, scoped]) list.push(id);
        refundable.set(id, atoms);
      },
      'hold for the model': async ({ atoms }) => {
        const call = await world.holdWith(scoped, customerId, atoms);
        if (call) leggedCalls.push(call);
      },
      'capture for the model': async ({ atoms, which }) => {
        const call = one(leggedCalls, which);
        if (call) await world.captureWith(call, atoms);
      },
      'release for the model': async ({ which }) => {
        const call = one(leggedCalls, which);
        if (call) await world.releaseWith(call);
      },
      hold: async ({ atoms }) => {
        const call = await world.hold(customerId, atoms);
        if (call) calls.push(call);
      },
      capture: async ({ atoms, which }) => {
        const call = one(calls, which);
        if (call) await world.capture(call, atoms);
      },
      release: async ({ which }) => {
        const call = one(calls, which);
        if (call) await world.ledger.release(call);
      },
      take: async ({ atoms, which, force }) => {
        const grantId = ids[which % ids.length];
        if (grantId === undefined) return;
        await take(grantId, atoms, force && !scoped.includes(grantId));
      },
      'give back': async ({ which }) => {
        const taking = one(takings, which);
        if (!taking) return;
        const { grantId, atoms } = taking;
        const back = { grantId, amount: usd(atoms) };
        await world.transaction((tx) =>
          world.grants.giveBack(tx, moved(accountOf(grantId), atoms, 'back', false), back),
        );
        refundable.set(grantId, (refundable.get(grantId) ?? 0n) + atoms);
      },
      freeze: async ({ which }) => {
        const grantId = ids[which % ids.length];
        if (grantId === undefined) return;
        const holdId = newId();
        const before = await world.remaining(grantId);
        const { atoms } = await world.transaction((tx) => world.frozen.freeze(tx, [grantId], holdId));
        if (atoms > 0n) {
          freezes.push({ holdId, grantId });
          expect(atoms).toBe(before.free.atoms);
        }
      },
      thaw: async ({ which }) => {
        const freeze = one(freezes, which);
        if (freeze) await world.transaction((tx) => world.frozen.thaw(tx, freeze.holdId));
      },
      'take what is frozen': async ({ atoms, which }) => {
        const freeze = one(freezes, which);
        if (freeze) await take(freeze.grantId, atoms, !scoped.includes(freeze.grantId), freeze.holdId);
      },
      end: async ({ which }) => ids.length > 0 && world.end(ids[which % ids.length] as string),
      limit: ({ atoms }) => world.limit(customerId, atoms),
      look: async ({ which }) => ids.length > 0 && world.remaining(ids[which % ids.length] as string),
    };
    for (const each of steps) {
      await acts[each.act]?.(each as Required<Step>);
      await after(customerId);
    }
  }

  /** What of each grant was left at an instant, as a live read found it then. */
  interface Sample {
    readonly customerId: string;
    readonly at: Date;
    readonly uncovered: bigint;
    readonly seen: readonly { id: string; remaining: bigint; frozen: bigint }[];
  }

  /** Reads as the product does, and takes back what that writes: no checkpoint tells later what it found. */
  async function sample(customerId: string): Promise<Sample> {
    const ids = await world.grantsOf(customerId);
    const seen: Sample['seen'][number][] = [];
    let uncovered = 0n;
    class Undone extends Error {}
    await world.grants.prepare(customerId);
    await world
      .transaction(async (tx) => {
        ({ uncovered } = await app.app.get(CreditPools, { strict: false }).open(tx, customerId));
        for (const id of ids) {
          const { remaining, frozen } = await world.grants.remaining(tx, id);
          seen.push({ id, remaining: remaining.atoms, frozen: frozen.atoms });
        }
        throw new Undone();
      })
      .catch((error: unknown) => {
        if (!(error instanceof Undone)) throw error;
      });
    return { customerId, at: await world.instant(), uncovered, seen };
  }

  it('add up to its balance after any history, alone and beside other customers', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), async (steps) => {
        await live(steps);
        expect(await brokenGrants(app)).toEqual([]);
      }),
      { numRuns: Number(process.env['CREDIT_GRANTS_RUNS'] ?? 40), examples: [[[...TAKEN_FROM_ELSEWHERE]]] },
    );
  }, 900_000);

  it('are known for every instant as they were then, without anything having been written then', async () => {
    const history = app.app.get(GrantHistory, { strict: false });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), async (steps) => {
        const samples: Sample[] = [];
        await live(steps, async (customerId) => void samples.push(await sample(customerId)));
        for (const { customerId, at, uncovered, seen } of samples) {
          const past = await history.at(customerId, { at, all: true, limit: 100 });
          const told = past.grants.map(({ id, left, frozen }) => ({ id, left: left.atoms, frozen: frozen.atoms }));
          const ended = new Set(past.grants.filter(({ state }) => state === 'expired').map(({ id }) => id));
          // What calls in flight still hold of a grant that has ended is no credit any more.
          const expected = seen.map(({ id, remaining, frozen }) => ({
            id,
            left: ended.has(id) ? frozen : remaining,
            frozen,
          }));
          expect(told.toReversed()).toEqual(expected);
          expect(past.paid.atoms + past.promo.atoms).toBe(told.reduce((sum, { left }) => sum + left, 0n));
          expect(past.uncovered.atoms).toBe(uncovered);
        }
      }),
      { numRuns: Number(process.env['CREDIT_GRANTS_RUNS'] ?? 40) },
    );
  });
});

/** What is given back had come from another grant, and would be more than this one ever gave. */
const TAKEN_FROM_ELSEWHERE = [
  { act: 'give', atoms: 3n, promo: false },
  { act: 'give', atoms: 5n, promo: false },
  { act: 'freeze', which: 0 },
  { act: 'take', atoms: 3n, which: 0, force: true },
  { act: 'give back', which: 0 },
] as const;
