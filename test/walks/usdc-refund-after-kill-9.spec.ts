import { usdcBalance } from '../support/chain';
import { until } from '../support/calls';
import { type KillWorld, startKillWorld } from '../support/kill-9';
import { concerns, type Rule } from '../support/rpc-proxy';
import {
  expectBooksAreEven,
  FLAT_ATOMS,
  paidCall,
  PAYS_OUT,
  refundsOnTheBooks,
  refundUsdc,
  untilPaidOut,
} from '../support/usdc-refunds';
import { sql } from '../support/x402-world';

let world: KillWorld;

beforeAll(async () => {
  world = await startKillWorld(PAYS_OUT);
});
afterAll(() => world?.stop());

/** Where a refund is when its process is killed; in this order, since a nonce that never arrives holds up later ones. */
const STEPS = ['before it is booked', 'before the node has it', 'before it is signed', 'before it is written'] as const;
type Step = (typeof STEPS)[number];

test('kill -9 of a refund at every step: it is paid back exactly once', async () => {
  const stories: { step: Step; payer: `0x${string}`; callId: string }[] = [];
  for (const step of STEPS) {
    const { payer, callId } = await paidCall(world);
    stories.push({ step, payer: payer.address, callId });
  }
  let latest: Step = STEPS[0];
  let asked = 0;
  world.node.rule = holdingBack();
  const url = await world.startServer();
  const cut: Promise<string>[] = [];
  for (const { step, callId } of stories) {
    latest = step;
    const sending = refundUsdc({ ...world, url }, { callId, to: 'payer' }, callId);
    cut.push(
      sending.then(
        () => 'answered',
        () => 'cut',
      ),
    );
    await until(() => reached(step), Boolean, 20_000);
  }
  await world.kill();
  expect(await Promise.all(cut)).toEqual(STEPS.map(() => 'cut'));
  expect(await sql(world, 'SELECT state FROM usdc_refunds')).toEqual(Array(3).fill({ state: 'sending' }));

  const alive = await world.survive();
  // What has left `payTo` and is not booked counts twice: that float is enough again when it is.
  await untilPaidOut(world);
  for (const { callId } of stories) {
    const again = await refundUsdc({ ...world, url: alive.url }, { callId, to: 'payer' }, callId);
    expect(again.status).toBe(201);
  }
  await untilPaidOut(world);
  for (const { payer } of stories) expect(await usdcBalance(world.chain, payer)).toBe(1_000_000n);
  expect(await sql(world, 'SELECT state FROM usdc_refunds')).toEqual(STEPS.map(() => ({ state: 'sent' })));
  expect(await refundsOnTheBooks(world)).toBe(FLAT_ATOMS * BigInt(STEPS.length));
  await expectBooksAreEven(world);

  function holdingBack(): Rule {
    const isOf = (step: Step, call: Parameters<Rule>[0]) =>
      stories.some((story) => story.step === step && concerns(call, story.payer));
    const never = () => {
      asked++;
      return new Promise<never>(() => undefined);
    };
    return (call) => {
      const { method } = call;
      // Mined, and the process does not know.
      if (method === 'eth_getTransactionReceipt') return { result: null };
      if (method === 'eth_getBlockReceipts') return { result: [] };
      if (method === 'eth_sendRawTransaction' && isOf('before the node has it', call)) return never();
      if (method === 'eth_estimateGas' && isOf('before it is signed', call)) return never();
      // What `payTo` has is asked before anything is written.
      return method === 'eth_call' && latest === 'before it is written' ? never() : 'pass';
    };
  }

  async function reached(step: Step): Promise<boolean> {
    const [sent] = await sql(world, `SELECT count(*)::int AS n FROM chain_calls WHERE reference LIKE 'withdrawal:%'`);
    switch (step) {
      case 'before it is booked':
        return sent.n === 1;
      case 'before the node has it':
        return sent.n === 2 && asked >= 1;
      case 'before it is signed':
      case 'before it is written':
        return asked >= (step === 'before it is signed' ? 2 : 3);
    }
  }
});
