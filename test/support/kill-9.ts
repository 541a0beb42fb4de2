import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PrivateKeyAccount } from 'viem';
import { baseEnvironment, startAppOn, type TestApp } from './app';
import { build } from './build';
import { until } from './calls';
import { leasesRunOut } from './leases';
import { eventually, type Program, runProgram } from './program';
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
  const compiled = build();
  const directory = mkdtempSync(join(tmpdir(), 'tollbridge-kill-'));
  const world = await startX402World({ env: { ...env, JOBS_IN_PROCESS: 'false' } });
  let server: Program | undefined;
  let survivor: TestApp | undefined;
  return {
    ...world,
    startServer: async () => {
      const variables = {
        ...baseEnvironment(world.databaseUrl),
        ...world.env,
        JOBS_IN_PROCESS: 'true',
        PORT: '0',
        NO_COLOR: '1',
      };
      const started = runProgram(compiled.file('src/main.js'), [], variables, directory);
      server = started;
      const said = () => started.output();
      return eventually('Listening', () => /Listening on (http:\S+)/.exec(said())?.[1], said);
    },
    kill: async () => {
      server?.signal('SIGKILL');
      await server?.ended;
    },
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
      server?.signal('SIGKILL');
      await survivor?.stop();
      await world.stop();
      compiled.remove();
      rmSync(directory, { recursive: true, force: true });
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
