import { type CardWorld, eventBody, startCardWorld } from '../support/card-world';
import { eventually } from '../support/program';

const COMPLETED = 'checkout.session.completed';
const FEE = { fee_atoms: 590_000_000n };

/** Stripe told of a payment before it had booked its fee, and never told of the fee. */
describe('a fee that nobody tells us of', () => {
  let world: CardWorld;

  beforeAll(async () => {
    world = await startCardWorld();
  });
  afterAll(() => world?.stop());

  /** A paid top-up whose event arrived while Stripe could not be asked for the fee. */
  async function paidWithoutFee() {
    await world.press('webhooks', { paused: true });
    const { key } = await world.customer();
    const { id, session } = await world.topUp(key, 1000);
    await world.press(`checkout/${session}/pay`);
    const completed = await eventBody(world, COMPLETED);
    const intent = JSON.parse(completed).data.object.payment_intent as string;
    // A payment that Stripe does not know yet stands in for one that it cannot be asked for.
    expect((await world.deliver(completed.replace(`"${intent}"`, `"${intent}x"`))).body.effect).toBe('credited');
    return { id, key, intent };
  }
  const query = (sql: string, ...parameters: unknown[]) => world.database.query<any>(sql, parameters);
  /** As if a minute had passed. */
  const makeDue = () => query(`UPDATE jobs SET run_at = now() WHERE state = 'waiting'`);
  const feeOf = (id: string) => query('SELECT fee_atoms FROM stripe_payments WHERE topup_id = $1', id);
  const jobOf = async (intent: string) =>
    (await query('SELECT state, last_error FROM jobs WHERE id = $1', `stripe-fee:${intent}`))[0];

  it('is asked for by a job, until Stripe knows it, and booked once', async () => {
    const { id, key, intent } = await paidWithoutFee();
    expect((await world.ask(key, '/v1/balance')).body.available).toBe('10');
    expect(await feeOf(id)).toEqual([{ fee_atoms: null }]);
    expect(await jobOf(`${intent}x`)).toEqual({ state: 'waiting', last_error: null });
    await makeDue();
    await eventually('A failure', async () => ((await jobOf(`${intent}x`)).last_error ? true : undefined));
    expect((await jobOf(`${intent}x`)).last_error).toMatch(/No such payment_intent/i);
    expect(await feeOf(id)).toEqual([{ fee_atoms: null }]);

    // Now Stripe knows the payment.
    await query('UPDATE stripe_payments SET payment_intent_id = $1 WHERE topup_id = $2', intent, id);
    await query(
      'UPDATE jobs SET id = $1, payload = $2 WHERE id = $3',
      `stripe-fee:${intent}`,
      JSON.stringify({ paymentIntentId: intent }),
      `stripe-fee:${intent}x`,
    );
    await makeDue();
    await eventually('The fee', async () => ((await jobOf(intent)).state === 'done' ? true : undefined));
    expect(await feeOf(id)).toEqual([FEE]);
    // And at last Stripe tells of it, too.
    await world.press('webhooks', { paused: false });
    await world.delivered();
    expect(await feeOf(id)).toEqual([FEE]);
    expect(await query('SELECT FROM journal_entries WHERE key = $1', `stripe-fee:${intent}`)).toHaveLength(1);
  });

  it('is not asked for when the payment came with it', async () => {
    const { key } = await world.customer();
    const { id, session } = await world.topUp(key, 1000);
    await world.press(`checkout/${session}/pay`);
    await world.delivered();
    expect(await feeOf(id)).toEqual([FEE]);
    expect(await query(`SELECT FROM jobs WHERE state <> 'done'`)).toEqual([]);
  });
});
