import { LedgerAccountsService } from '../../src/ledger/ledger-accounts.service';
import { customerCredits, revenue } from '../../src/ledger/ledger-account';
import { chat, customerWith, startWorld, type World } from '../support/world';

let world: World;

beforeAll(async () => {
  world = await startWorld();
});
afterAll(async () => {
  await world?.stop();
});

const balanceOf = async (customerId: string) =>
  world.app.get(LedgerAccountsService).balance(customerCredits(customerId, 'USD'));

test('a plain call is answered, charged what it used, and invoiced', async () => {
  const { customerId, key } = await customerWith(world, 1_000_000_000n);
  const response = await chat(world.url, key);
  const text = await response.text();
  console.log(response.status, Object.fromEntries(response.headers), text);
  expect(response.status).toBe(200);
  const answer = JSON.parse(text);
  const { prompt_tokens: input, completion_tokens: output } = answer.usage;
  const nano = (BigInt(input) * 150_000_000n + BigInt(output) * 600_000_000n + 500_000n) / 1_000_000n;
  const { posted, held } = await balanceOf(customerId);
  expect(posted.atoms).toBe(1_000_000_000n - nano);
  expect(held.atoms).toBe(0n);
});

test('a stream', async () => {
  const { customerId, key } = await customerWith(world, 1_000_000_000n);
  const response = await chat(world.url, key, { stream: true, stream_options: { include_usage: true } });
  const text = await response.text();
  console.log(response.status, Object.fromEntries(response.headers), text.slice(0, 300), text.slice(-600));
  const { posted, held } = await balanceOf(customerId);
  console.log(posted, held, await world.app.get(LedgerAccountsService).balance(revenue('USD')));
});

test('no payment', async () => {
  const response = await chat(world.url, undefined);
  console.log(response.status, Object.fromEntries(response.headers), await response.text());
  const r2 = await chat(world.url, 'tb_wrong');
  console.log(r2.status, await r2.text());
  const { key } = await customerWith(world, 1n);
  const r3 = await chat(world.url, key);
  console.log(r3.status, await r3.text());
});
