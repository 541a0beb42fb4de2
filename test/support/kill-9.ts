import type { PrivateKeyAccount } from 'viem';
import { startAppOn, type TestApp } from './app';
import { until } from './calls';
import { leasesRunOut } from './leases';
import { type ServerProcess, startServer } from './process';
import { allPass, concerns, type RpcCall, type Rule } from './rpc-proxy';
import { type SignedPayment, sql, startX402World, type X402World } from './x402-world';
import { chat } from './world';

/** One wallet's payment, and where the process is when it is killed. */
export interface Story<Step extends string> {
  readonly step: Step;
  readonly body: Record<string, unknown>;
  readonly payer: PrivateKeyAccount;
  readonly payment: SignedPayment;
}

/** A world that prepares and looks on, while processes of their own do the work and are killed at it. */
export interface KillWorld extends X402World {
  /** A process of its own on the world's database; its address. */
  startServer(): Promise<string>;
  /** kill -9. */
  kill(): Promise<void>;
  /** Another application takes over, and has finished what was left. */
  survive(): Promise<TestApp>;
}

export async function startKillWorld(env: Record<string, string> = {}): Promise<KillWorld> {
  const world = await startX402World({ env: { ...env, JOBS_IN_PROCESS: 'false' } });
  let server: ServerProcess | undefined;
  let survivor: TestApp | undefined;
  return {
    ...world,
    startServer: async () => {
      server = await startServer(world.databaseUrl, { ...world.env, JOBS_IN_PROCESS: 'true' });
      return server.url;
    },
    kill: async () => server?.kill9(),
    survive: async () => {
      world.node.rule = allPass;
      await leasesRunOut(world);
      survivor = await startAppOn({ url: world.databaseUrl }, { ...world.env, JOBS_IN_PROCESS: 'true' });
      await until(
        () => sql(world, `SELECT key FROM claims WHERE state IN ('working', 'settling', 'in_doubt', 'promised')`),
        (open) => open.length === 0,
        30_000,
      );
      return survivor;
    },
    stop: async () => {
      await server?.kill9();
      await survivor?.stop();
      await world.stop();
    },
  };
}

/** Sends a story's request with its payment. */
export const send = (url: string, { body, payment }: Story<string>, headers: Record<string, string> = {}) => {
  const header = Buffer.from(JSON.stringify(payment)).toString('base64');
  return chat(url, undefined, body, { 'payment-signature': header, ...headers });
};

/** The transactions of some stories never reach the node; of others the node's answer never comes back. */
export function holdBack<Step extends string>(
  world: X402World,
  stories: readonly Story<Step>[],
  { before, after }: { before: Step; after: Step },
): Rule {
  const isOf = (step: Step, call: RpcCall) =>
    stories.some((story) => story.step === step && concerns(call, story.payer.address));
  const never = new Promise<never>(() => undefined);
  return (call) => {
    if (call.method === 'eth_sendRawTransaction' && isOf(before, call)) return never;
    return call.method === 'eth_getTransactionReceipt' ? receiptFate(call) : 'pass';
  };

  /** Mined, and the process does not know. */
  async function receiptFate({ params }: RpcCall) {
    const sent = await sql(world, 'SELECT reference FROM chain_calls WHERE transaction = $1', [params[0]]);
    const withheld = stories.some(
      ({ step, payer }) =>
        step === after && sent.some(({ reference }) => reference.includes(payer.address.toLowerCase())),
    );
    return withheld ? ({ result: null } as const) : 'pass';
  }
}
