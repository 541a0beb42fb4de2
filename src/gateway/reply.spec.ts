import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { ReplyTarget } from './reply';

describe('a stream into a reply', () => {
  let server: Server;
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  const open = (maxStallMs: number): Promise<{ target: ReplyTarget; leave: () => void }> =>
    new Promise((resolve) => {
      server = createServer((_, raw) => {
        const reply = { raw, getHeaders: () => ({ 'x-from-hook': '1' }), hijack: () => undefined };
        const target = new ReplyTarget(reply as never, maxStallMs);
        target.open(200, { 'content-type': 'text/event-stream' });
        resolve({ target, leave: () => socket.destroy() });
      });
      let socket: ReturnType<typeof connect>;
      server.listen(0, '127.0.0.1', () => {
        socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
        socket.pause().write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
      });
    });
  const fill = async (target: ReplyTarget): Promise<void> => {
    while (await target.write(Buffer.alloc(1 << 20)));
  };

  it('gives up on a caller that takes nothing any more', async () => {
    const { target } = await open(100);
    await fill(target);
    expect(target.gone).toBe(true);
    expect(await target.write(Buffer.from('x'))).toBe(false);
    target.end();
  });

  it('resolves when the caller leaves while it waits', async () => {
    const { target, leave } = await open(60_000);
    const filled = fill(target);
    setTimeout(leave, 50);
    await filled;
    expect(target.gone).toBe(true);
  });
});
