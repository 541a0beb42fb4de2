import { NightlyNews } from '../../src/reconciliation/nightly-news.service';
import { NightlyReconciliation } from '../../src/reconciliation/nightly-reconciliation.service';
import { startAppOn, type TestApp } from '../support/app';
import { type CardWorld, startCardWorld } from '../support/card-world';
import { Operator } from '../support/reconciliation-world';

/** Two replicas look at the same hour; the clock is told to them. */
describe('the nightly reconciliation at two replicas', () => {
  let world: CardWorld;
  let second: TestApp;
  let operator: Operator;

  beforeAll(async () => {
    world = await startCardWorld({ JOBS_IN_PROCESS: 'false', RECONCILE_AT_HOUR: '3' });
    second = await startAppOn({ url: world.app.databaseUrl });
    operator = new Operator(world.app);
  });
  afterAll(async () => {
    await second?.stop();
    await world?.stop();
  });

  /** Which of the replicas has compared anything. */
  const look = (at: string) =>
    Promise.all([world.app, second].map(({ app }) => app.get(NightlyReconciliation).look(new Date(at))));
  const nights = async () =>
    (await operator.ask('/admin/reconciliation/runs')).body.data.map(({ kind, day, state }: any) => [kind, day, state]);
  const told = async () =>
    (await operator.ask('/v1/notifications')).body.data
      .filter(({ kind }: any) => kind.startsWith('reconciliation'))
      .map(({ kind, data }: any) => [kind, data.day]);

  it('does not run before its hour', async () => {
    expect(await look('2026-11-23T02:59:59Z')).toEqual([false, false]);
    expect(await nights()).toEqual([]);
  });

  it('runs once at whichever is first, and not again that day', async () => {
    expect((await look('2026-11-23T03:00:00Z')).filter(Boolean)).toHaveLength(1);
    expect(await look('2026-11-23T23:59:59Z')).toEqual([false, false]);
    expect(await nights()).toEqual([['nightly', '2026-11-23', 'finished']]);
    expect(await told()).toEqual([]);
  });

  it('that could not ask somebody asks only them again, later the same day', async () => {
    await world.press('faults', { kind: '500_no_retry', path: '/v1/', times: 1000 });
    await look('2026-11-24T03:15:00Z');
    await world.press('faults/clear');
    expect((await nights())[0]).toEqual(['nightly', '2026-11-24', 'failed']);
    expect(await told()).toEqual([['reconciliation_failed', '2026-11-24']]);

    const before = (await operator.ask('/admin/reconciliation/runs')).body.data[0];
    expect((await look('2026-11-24T03:30:00Z')).filter(Boolean)).toHaveLength(1);
    const after = (await operator.ask('/admin/reconciliation/runs')).body.data[0];
    const timeOf = (run: any, side: string) => run.outcomes.find((one: any) => one.side === side).at;
    expect([after.id, after.state]).toEqual([before.id, 'finished']);
    expect(timeOf(after, 'books')).toBe(timeOf(before, 'books'));
    expect(timeOf(after, 'stripe') > timeOf(before, 'stripe')).toBe(true);
    expect(await look('2026-11-24T03:45:00Z')).toEqual([false, false]);
  });

  it('tells the operator once a day that something is open', async () => {
    await world.press('balance_transactions', { type: 'adjustment', amount: 100, description: 'by hand' });
    await look('2026-11-25T03:00:00Z');
    await look('2026-11-25T04:00:00Z');
    await look('2026-11-26T05:00:00Z');
    expect(await told()).toEqual([
      ['reconciliation_open', '2026-11-26'],
      ['reconciliation_open', '2026-11-25'],
      ['reconciliation_failed', '2026-11-24'],
    ]);
  });

  it('tells what it found at the next look when it died before it told', async () => {
    const news = world.app.app.get(NightlyNews);
    const died = jest.spyOn(news, 'tell').mockRejectedValueOnce(new Error('killed'));
    const at = new Date('2026-11-27T03:00:00Z');
    await expect(world.app.app.get(NightlyReconciliation).look(at)).rejects.toThrow('killed');
    died.mockRestore();
    expect((await nights())[0]).toEqual(['nightly', '2026-11-27', 'finished']);
    expect((await told()).filter(([, day]: any) => day === '2026-11-27')).toEqual([]);
    expect(await look('2026-11-27T03:15:00Z')).toEqual([false, false]);
    await look('2026-11-27T03:30:00Z');
    const days = (await told()).filter(([, day]: any) => day === '2026-11-27');
    expect(days).toEqual([['reconciliation_open', '2026-11-27']]);
  });
});
