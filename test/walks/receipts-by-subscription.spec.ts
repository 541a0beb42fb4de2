import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { payerWith } from '../support/chain';
import { until } from '../support/calls';
import { allPass, type Rule } from '../support/rpc-proxy';
import { chat } from '../support/world';
import { askedFor, inHeader, signPayment, startX402World, type X402World } from '../support/x402-world';

/** The way to the node's WebSocket, which can be cut. Nobody gets through before it has a target. */
async function startWire() {
  const sockets = new Set<Socket>();
  let heard = '';
  const server = createServer((socket) => {
    if (wire.target === undefined) return void socket.destroy();
    const { hostname, port } = new URL(wire.target);
    const node = connect(Number(port), hostname);
    for (const one of [socket, node]) {
      sockets.add(one);
      one.on('error', () => undefined).on('close', () => sockets.delete(one));
    }
    socket.on('close', () => node.destroy());
    node.on('data', (data) => (heard += data.toString('latin1'))).on('close', () => socket.destroy());
    socket.pipe(node).pipe(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = () => {
    wire.target = undefined;
    for (const socket of sockets) socket.destroy();
  };
  const wire = {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    target: undefined as string | undefined,
    blocksTold: () => heard.split('"eth_subscription"').length - 1,
    connections: () => sockets.size,
    cut,
    stop: async () => {
      cut();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return wire;
}

/** Whoever asks for the newest block waits for ever. */
const blocksAreNotTold: Rule = ({ method }) =>
  method === 'eth_blockNumber' ? new Promise(() => undefined) : allPass({ id: 0, method, params: [] });

let world: X402World;
let wire: Awaited<ReturnType<typeof startWire>>;

beforeAll(async () => {
  wire = await startWire();
  world = await startX402World({ blockTimeSeconds: 1, env: { EVM_WS_URL: wire.url } });
});
afterAll(async () => {
  await world?.stop();
  await wire?.stop();
});

async function pay(): Promise<number> {
  const payer = await payerWith(world.chain, 1_000_000n);
  const payment = await signPayment(payer, await askedFor(chat(world.url, undefined)));
  return (await chat(world.url, undefined, {}, inHeader(payment))).status;
}

const untilTold = () => {
  const before = wire.blocksTold();
  return until(wire.blocksTold, (told) => told > before);
};

test('receipts come with the blocks that a node tells of; by asking while the connection is gone; and told again when it is back', async () => {
  expect(await pay()).toBe(200); // nobody gets through yet

  wire.target = world.chain.rpcUrl;
  await untilTold();
  world.node.rule = blocksAreNotTold;
  expect(await pay()).toBe(200);

  world.node.rule = allPass;
  wire.cut();
  await until(wire.connections, (count) => count === 0);
  expect(await pay()).toBe(200);
  expect(wire.connections()).toBe(0);

  wire.target = world.chain.rpcUrl;
  await untilTold();
  world.node.rule = blocksAreNotTold;
  expect(await pay()).toBe(200);
  world.node.rule = allPass;
});
