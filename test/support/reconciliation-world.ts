import type { TestApp } from './app';
import { json } from './calls';
import { eventually } from './program';

// oxlint-disable-next-line typescript/no-explicit-any -- answers of many shapes, looked into by tests
type Answer = any;

/** What an operator does about reconciliation, through HTTP. */
export class Operator {
  constructor(private readonly world: Pick<TestApp, 'url' | 'adminToken'>) {}

  async ask(path: string, body?: unknown): Promise<{ status: number; body: Answer }> {
    const response = await fetch(`${this.world.url}${path}`, {
      headers: {
        authorization: `Bearer ${this.world.adminToken}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
    });
    return { status: response.status, body: await json(response) };
  }

  /** A run as a job, when it is over. */
  async reconcile(...sides: string[]): Promise<Answer> {
    const started = await this.ask('/admin/reconciliation/runs', sides.length === 0 ? {} : { sides });
    if (started.status !== 202) throw new Error(`no run: ${JSON.stringify(started)}`);
    return eventually('The end of a run', async () => {
      const { body } = await this.ask(`/admin/reconciliation/runs/${started.body.id}`);
      return body.finishedAt === null ? undefined : body;
    });
  }

  async report(side?: string): Promise<Answer> {
    return (await this.ask(`/admin/reconciliation${side === undefined ? '' : `?side=${side}`}`)).body;
  }

  async discrepancies(filter = ''): Promise<Answer[]> {
    return (await this.ask(`/admin/discrepancies?${filter}`)).body.data;
  }
}
