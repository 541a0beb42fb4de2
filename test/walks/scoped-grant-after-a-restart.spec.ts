import { type ServerProcess, startServer } from '../support/process';
import { FLAT, type ScopedWorld, startScopedWorld } from '../support/scoped-world';
import { chat, customerWith } from '../support/world';

const DIME = 100_000_000n;

describe('credit for some models, by a process that knows no account yet', () => {
  let world: ScopedWorld;
  let server: ServerProcess;

  beforeAll(async () => {
    world = await startScopedWorld();
    // Calls that each want a second connection inside their transaction would all wait for each other.
    const env = { UPSTREAM_URL: world.upstream.url, JOBS_IN_PROCESS: 'false', DATABASE_POOL_SIZE: '8' };
    server = await startServer(world.databaseUrl, env);
  });
  afterAll(async () => {
    await server?.kill9();
    await world?.stop();
  });

  it('pays for twice as many customers at once as there are connections', async () => {
    // One after another: what is tested is that they all pay at once, at a process that has met none of them.
    const customers: Awaited<ReturnType<typeof customerWith>>[] = [];
    const grants: string[] = [];
    while (customers.length < 16) {
      const customer = await customerWith(world, DIME);
      customers.push(customer);
      grants.push(await world.give(customer.customerId, DIME));
    }
    const answers = await Promise.all(customers.map(({ key }) => chat(server.url, key, FLAT)));
    expect(answers.map(({ status }) => status)).toEqual(customers.map(() => 200));
    for (const [index, { customerId }] of customers.entries()) {
      expect(await world.payers(customerId)).toEqual([[`grant:${grants[index]}`, DIME]]);
    }
    await world.sound();
  });
});
