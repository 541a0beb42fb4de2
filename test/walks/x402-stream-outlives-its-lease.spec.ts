import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { PrivateKeyAccount } from 'viem';
import { startAppOn, type TestApp } from '../support/app';
import { eventsOf, until } from '../support/calls';
import { usdcBalance } from '../support/chain';
import { answerAfterClaim, promisedBy } from '../support/answers-after-claim';
import { openRoad, type Road } from '../support/database-road';
import { signUpto, uptoPayerWith } from '../support/upto';
import {
  askedFor,
  expectBooksAsOnChain,
  inHeader,
  signPayment,
  sql,
  startX402World,
  walletCredit,
  type X402World,
} from '../support/x402-world';
import { chat } from '../support/world';

const ONE_USDC = 1_000_000n;
/** 10 tokens in and 40 out at the list price of `gpt-4o-mini`: 25.5 micro-USDC, rounded up. */
const CHARGE = 26n;
const USAGE = { prompt_tokens: 10, completion_tokens: 40, total_tokens: 50 };
const event = (data: object): string => `data: ${JSON.stringify(data)}\n\n`;

let world: X402World;
let cutOff: TestApp;
let road: Road;
let upstream: Server;
/** Ends the streams that are flowing. */
let endings: (() => void)[] = [];
const endAll = () => endings.splice(0).forEach((end) => end());

beforeAll(async () => {
  upstream = createServer((request, response) => {
    request.resume();
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(event({ choices: [{ index: 0, delta: { content: 'word ' } }] }));
    endings.push(() => response.end(`${event({ choices: [], usage: USAGE })}data: [DONE]\n\n`));
  });
  await new Promise<void>((listening) => upstream.listen(0, '127.0.0.1', listening));
  const env = { UPSTREAM_URL: `http://127.0.0.1:${(upstream.address() as AddressInfo).port}` };
  world = await startX402World({ env });
  await answerAfterClaim(world);
  road = await openRoad(world.databaseUrl);
  cutOff = await startAppOn({ url: road.url }, { ...world.env, ...env, JOBS_IN_PROCESS: 'false' });
});
afterEach(() => {
  road.open();
  endAll();
});
afterAll(async () => {
  await cutOff?.stop();
  await world?.stop();
  await road?.stop();
  upstream?.closeAllConnections();
  upstream?.close();
});

const STREAM = { stream: true, stream_options: { include_usage: true } };
const SIGN = { upto: signUpto, exact: signPayment };

async function paymentOf(payer: PrivateKeyAccount, scheme: 'upto' | 'exact') {
  return inHeader(await SIGN[scheme](payer, await askedFor(chat(cutOff.url, undefined, STREAM), scheme)));
}

const claimOf = async (payer: PrivateKeyAccount) =>
  (await sql(world, 'SELECT state, reason FROM claims WHERE key LIKE $1', [`%${payer.address.toLowerCase()}%`]))[0];
const untilIn = (payer: PrivateKeyAccount, state: string) =>
  until(
    () => claimOf(payer),
    (claim) => claim?.state === state,
    30_000,
  );
const usageOf = (payer: PrivateKeyAccount) =>
  sql(world, 'SELECT atoms FROM usage_records WHERE payer_address = $1', [payer.address.toLowerCase()]);

/** A stream is flowing, its process has not reached the database for as long as its lease lasts, and its claim is freed. */
async function streamWithoutLease(payer: PrivateKeyAccount, headers: Record<string, string>): Promise<Response> {
  const response = await chat(cutOff.url, undefined, STREAM, headers);
  expect(response.status).toBe(200);
  road.close();
  await sql(world, `UPDATE claims SET lease_until = now() - interval '1 second' WHERE key LIKE $1`, [
    `%${payer.address.toLowerCase()}%`,
  ]);
  await untilIn(payer, 'released');
  return response;
}

test.each(['upto', 'exact'] as const)(
  'a stream on %s whose lease is lost is paid once, also if the database is still away when it ends',
  async (scheme) => {
    const payer = await uptoPayerWith(world.chain, ONE_USDC);
    const response = await streamWithoutLease(payer, await paymentOf(payer, scheme));
    const text = response.text();
    endAll();
    road.open();

    expect(eventsOf(await text).at(-1)).toBe('[DONE]');
    await untilIn(payer, 'settled');
    expect((await usageOf(payer)).map(({ atoms }) => atoms)).toEqual([CHARGE]);
    expect(await promisedBy(world, payer.address)).toEqual({ promised: 0n, owed: 0n });
    const spent = ONE_USDC - (await usdcBalance(world.chain, payer.address));
    expect(spent - (await walletCredit(world, payer.address))).toBe(CHARGE);
    await expectBooksAsOnChain(world);
  },
);

test.each(['upto', 'exact'] as const)(
  'a stream on %s whose payment somebody else used meanwhile is owed, once, beside the one that is paid',
  async (scheme) => {
    const payer = await uptoPayerWith(world.chain, ONE_USDC);
    const headers = await paymentOf(payer, scheme);
    const lost = await streamWithoutLease(payer, headers);
    const won = await chat(world.url, undefined, STREAM, headers);
    expect(won.status).toBe(200);
    const texts = [lost.text(), won.text()];
    endAll();
    road.open();

    for (const text of await Promise.all(texts)) expect(eventsOf(text).at(-1)).toBe('[DONE]');
    await untilIn(payer, 'settled');
    expect((await usageOf(payer)).map(({ atoms }) => atoms)).toEqual([CHARGE, CHARGE]);
    const spent = ONE_USDC - (await usdcBalance(world.chain, payer.address));
    const { promised, owed } = await promisedBy(world, payer.address);
    expect(promised).toBe(0n);
    expect(owed).toBeGreaterThan(0n);
    // What `exact` brings beyond its own charge bears a part of the other one's.
    expect(spent + owed - (await walletCredit(world, payer.address))).toBe(2n * CHARGE);
    await expectBooksAsOnChain(world);
  },
);
