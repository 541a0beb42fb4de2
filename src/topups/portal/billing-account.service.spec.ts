import { setImmediate as turn } from 'node:timers/promises';
import { BillingAccounts } from './billing-account.service';

/** What a service answers in this test; it has no other method. */
const answers = (method: string, answer: () => Promise<unknown>): never => ({ [method]: answer }) as never;

it('cards that fail while the balance is still being read, and fails as well, leave no failure to nobody', async () => {
  const left: unknown[] = [];
  const note = (error: unknown): void => void left.push(error);
  process.on('unhandledRejection', note);
  const late = async (): Promise<never> => {
    await turn();
    await turn();
    throw new Error('no database');
  };
  const accounts = new BillingAccounts(
    answers('get', async () => ({ name: 'A' })),
    answers('of', late),
    answers('at', late),
    answers('list', () => Promise.reject(new Error('no connection'))),
    answers('of', late),
    answers('list', late),
  );
  await expect(accounts.of('cus_1')).rejects.toThrow('no connection');
  for (let turns = 0; turns < 5; turns += 1) await turn();
  process.off('unhandledRejection', note);
  expect(left).toEqual([]);
});
