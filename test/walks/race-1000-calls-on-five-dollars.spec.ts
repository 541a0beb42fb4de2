import { Agent, createServer, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { booksOf, expectSoundBooks, invoicesOf, query, until, usageOf } from '../support/calls';
import { type ServerProcess, startServer } from '../support/process';
import { customerWith, startWorld, type World } from '../support/world';

const CALLS = 1000;
const FIVE_DOLLARS = 5_000_000_000n;
const TEN_CENTS = 100_000_000n;

/** 1000 calls of $0.10 at once, through two processes, on $5.00: exactly 50 get in (TC-01, TC-06, TC-07). */
describe('a race of 1000 calls on five dollars', () => {
  let world: World;
  let processes: ServerProcess[] = [];
  let upstream: Server;
  /** Calls that the upstream was asked to answer, and has not. */
  const waiting: ServerResponse[] = [];

  beforeAll(async () => {
    // The world's own application only seeds and looks on.
    world = await startWorld();
    upstream = createServer((call, response) => {
      call.resume();
      waiting.push(response);
    });
    await new Promise<void>((listening) => upstream.listen(0, '127.0.0.1', listening));
    const env = { UPSTREAM_URL: `http://127.0.0.1:${(upstream.address() as AddressInfo).port}` };
    processes = await Promise.all([startServer(world.databaseUrl, env), startServer(world.databaseUrl, env)]);
  });
  afterAll(async () => {
    await Promise.all(processes.map((server) => server.kill9()));
    upstream?.close();
    await world?.stop();
  });

  it('admits exactly 50 while they are in flight, and never goes below zero', async () => {
    const { key, customerId } = await customerWith(world, FIVE_DOLLARS);
    const agent = new Agent({ keepAlive: true, maxSockets: CALLS });
    const body = JSON.stringify({ model: 'flat', max_tokens: 5, messages: [{ role: 'user', content: 'hi' }] });
    const headers = {
      'content-type': 'application/json',
      authorization: `Bearer ${key}`,
    };
    const codes: number[] = [];
    const reasons: string[] = [];
    const call = (n: number): Promise<void> =>
      new Promise((resolve, reject) => {
        const { url } = processes[n % 2] as ServerProcess;
        const sent = request(`${url}/v1/chat/completions`, { method: 'POST', agent, headers }, (response) => {
          let text = '';
          response.on('data', (chunk: Buffer) => (text += chunk.toString()));
          response.on('end', () => {
            codes.push(response.statusCode as number);
            if (response.statusCode === 402) reasons.push(JSON.parse(text).code);
            resolve();
          });
        });
        sent.on('error', reject).end(body);
      });
    let lowest = FIVE_DOLLARS;
    const answered = Promise.all(Array.from({ length: CALLS }, (_, n) => call(n)));
    await until(
      async () => {
        const { available } = await booksOf(world, customerId);
        if (available.atoms < lowest) lowest = available.atoms;
        return codes.length;
      },
      (refused) => refused >= CALLS - 50,
      50_000,
    );
    // No admitted call has ended when the last one is refused: the upstream answers when it is told to.
    await until(
      () => waiting.length,
      (count) => count >= 50,
    );
    expect(codes).toEqual(Array(CALLS - 50).fill(402));
    expect(new Set(reasons)).toEqual(new Set(['credit_in_flight']));
    const flying = await booksOf(world, customerId);
    expect([flying.held.atoms, flying.available.atoms, lowest]).toEqual([FIVE_DOLLARS, 0n, 0n]);
    const [{ open }] = await query(world, `SELECT count(*)::int AS open FROM holds WHERE state = 'open'`);
    expect(open).toBe(50);
    await expectSoundBooks(world);

    const answer = JSON.stringify({ choices: [], usage: { prompt_tokens: 1, completion_tokens: 1 } });
    for (const response of waiting) response.setHeader('content-type', 'application/json').end(answer);
    await answered;
    expect(codes.filter((code) => code === 200)).toHaveLength(50);
    const books = await booksOf(world, customerId);
    expect([books.posted.atoms, books.held.atoms, books.owed]).toEqual([0n, 0n, 0n]);
    const usage = await usageOf(world, customerId);
    expect(usage).toHaveLength(50);
    expect(usage.every(({ atoms, held_atoms }) => atoms === TEN_CENTS && held_atoms === TEN_CENTS)).toBe(true);
    expect(await invoicesOf(world, customerId)).toHaveLength(50);
    expect(waiting).toHaveLength(50);
    await expectSoundBooks(world);
    agent.destroy();
  });
});
