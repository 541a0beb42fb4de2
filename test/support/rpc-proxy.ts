import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One JSON-RPC call on its way to the node. */
export interface RpcCall {
  readonly id: unknown;
  readonly method: string;
  readonly params: readonly unknown[];
}

/**
 * What happens to a call: it passes, it is cut off before or after the node has it, or the node is made to answer
 * something else. A promise holds it back until it resolves.
 */
export type Fate =
  | 'pass'
  | 'cut'
  | 'cut after'
  | { readonly result: unknown }
  | { readonly error: { code: number; message: string; data?: string } };
export type Rule = (call: RpcCall) => Fate | Promise<Fate>;

/** A node that can be made to go away, method by method. It is the chain itself behind it. */
export interface RpcProxy {
  readonly url: string;
  rule: Rule;
  stop(): Promise<void>;
}

export const allPass: Rule = () => 'pass';
export const allCut: Rule = () => 'cut';

export async function startRpcProxy(target: string): Promise<RpcProxy> {
  const server = createServer((request, response) => {
    const serve = async (): Promise<void> => {
      const body = await answer(request).catch(() => undefined);
      if (body === undefined) request.socket.destroy();
      else response.writeHead(200, { 'content-type': 'application/json' }).end(body);
    };
    void serve();
  });
  const answer = async (request: IncomingMessage): Promise<string | undefined> => {
    const text = await textOf(request);
    const body = JSON.parse(text) as RpcCall | RpcCall[];
    const calls = Array.isArray(body) ? body : [body];
    const fates = await Promise.all(calls.map(async (call) => proxy.rule(call)));
    if (fates.includes('cut')) return undefined;
    const answers = await Promise.all(calls.map((call, index) => answerTo(call, fates[index] as Fate, target)));
    if (fates.includes('cut after')) return undefined;
    return JSON.stringify(Array.isArray(body) ? answers : answers[0]);
  };
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const proxy: RpcProxy = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    rule: allPass,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return proxy;
}

async function answerTo(call: RpcCall, fate: Fate, target: string): Promise<unknown> {
  if (typeof fate === 'object') return { jsonrpc: '2.0', id: call.id, ...fate };
  const headers = { 'content-type': 'application/json' };
  return (await fetch(target, { method: 'POST', headers, body: JSON.stringify(call) })).json();
}

/** As public nodes do: no logs of more blocks than this at once. */
export const refuseLogsBeyond =
  (blocks: number): Rule =>
  (call) =>
    logBlocks(call) > blocks ? { error: { code: -32602, message: `at most ${blocks} blocks` } } : 'pass';

/** How many blocks of logs a call asks for; none when it asks for something else. */
export function logBlocks({ method, params }: RpcCall): number {
  if (method !== 'eth_getLogs') return 0;
  const { fromBlock, toBlock } = params[0] as { fromBlock: string; toBlock: string };
  return Number(toBlock) - Number(fromBlock) + 1;
}

/** Whether a call is about this wallet: its address is in the data of every call and transaction that moves its money. */
export const concerns = (call: RpcCall, address: string): boolean =>
  JSON.stringify(call.params).toLowerCase().includes(address.slice(2).toLowerCase());

/** The last question before a payment is good: is its authorization unused (`authorizationState`)? */
export const isVerification = ({ method, params }: RpcCall): boolean =>
  method === 'eth_call' && /e94a0102/.test(JSON.stringify(params));

async function textOf(request: AsyncIterable<Buffer>): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts).toString();
}
