import { type CardWorld, startCardWorld, startMortalReplica } from '../support/card-world';
import { eventually } from '../support/program';
import { Operator } from '../support/reconciliation-world';

/** The process that compares dies while Stripe keeps it waiting; the next one that looks for jobs goes on. */
describe('a reconciliation whose process is killed', () => {
  let world: CardWorld;
  let operator: Operator;
  const replicas: Awaited<ReturnType<typeof startMortalReplica>>[] = [];

  beforeAll(async () => {
    // Jobs are done by the replicas alone.
    world = await startCardWorld({ JOBS_IN_PROCESS: 'false' });
    operator = new Operator(world.app);
  });
  afterAll(async () => {
    for (const replica of replicas) await replica.crash();
    await world?.stop();
  });

  const startReplica = async () => {
    const replica = await startMortalReplica(world);
    replicas.push(replica);
    return replica;
  };

  const runOf = async (id: string) => (await operator.ask(`/admin/reconciliation/runs/${id}`)).body;

  it('is interrupted, lets another one run, and is finished by the next process', async () => {
    await world.press('balance_transactions', { type: 'adjustment', amount: 2500, description: 'by hand' });
    await world.press('faults', { kind: 'latency', latencyMs: 60_000, method: 'GET', path: '/v1/', times: 1000 });
    const mortal = await startReplica();
    const { id } = (await operator.ask('/admin/reconciliation/runs', {})).body;
    await eventually('The start of the run', async () => ((await runOf(id)).state === 'running' ? true : undefined));
    const second = await operator.ask('/admin/reconciliation/runs', {});
    expect([second.status, second.body.code]).toEqual([409, 'reconciliation_running']);

    await mortal.crash();
    await eventually('The end of its lock', async () => ((await runOf(id)).state === 'interrupted' ? true : undefined));
    expect((await runOf(id)).outcomes).toEqual([]);
    await world.press('faults/clear');

    await startReplica();
    const finished = await eventually('The end of the run', async () => {
      const run = await runOf(id);
      return run.state === 'finished' ? run : undefined;
    });
    expect(finished.outcomes.map(({ side, state }: any) => `${side} ${state}`)).toEqual([
      'stripe done',
      'chain skipped',
      'books done',
    ]);
    expect(await operator.discrepancies('state=open')).toMatchObject([{ side: 'stripe', amount: '25', times: 1 }]);
  });
});
