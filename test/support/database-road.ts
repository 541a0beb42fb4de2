import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** The network between an application and its database, which can be made to fail. */
export interface Road {
  /** The database's URL by this road. */
  readonly url: string;
  /** Where it leads from now on: a database that was started again has another port. */
  leadTo(databaseUrl: string): void;
  /** Everything passes. What was swallowed before is gone for good. */
  open(): void;
  /** Who is on the way is cut off, who comes is turned away. */
  close(): void;
  /** Connections stay and are accepted, and nothing that is sent arrives: no error, no answer. */
  swallow(): void;
  /** Cuts the next connection whose statement matches when its answer comes: it was done, and nobody hears of it. */
  loseAnswerTo(statement: RegExp): void;
  /** How often an answer was lost so. */
  readonly lost: number;
  stop(): Promise<void>;
}

export async function openRoad(databaseUrl: string): Promise<Road> {
  let target = new URL(databaseUrl);
  let state: 'open' | 'closed' | 'swallowing' = 'open';
  let fatal: RegExp | undefined;
  let lost = 0;
  const travellers = new Set<Socket>();
  const cutAll = () => travellers.forEach((socket) => socket.destroy());

  const server = createServer((near) => {
    if (state === 'closed') return void near.destroy();
    const far = state === 'swallowing' ? undefined : connect(Number(target.port), target.hostname);
    // Whoever met a swallowing road never gets anywhere: a firewall has forgotten the connection.
    let isForgotten = far === undefined;
    let isDoomed = false;
    const pass = (chunk: Buffer, from: Socket, to: Socket | undefined) => {
      isForgotten ||= state === 'swallowing';
      if (isForgotten) return;
      if (from === near && fatal?.test(chunk.toString('latin1'))) {
        isDoomed = true;
        fatal = undefined;
      }
      if (from === far && isDoomed) {
        lost++;
        near.destroy();
      } else to?.write(chunk);
    };
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      if (from === undefined) continue;
      travellers.add(from);
      from.on('data', (chunk: Buffer) => pass(chunk, from, to)).on('error', () => undefined);
      from.once('close', () => {
        travellers.delete(from);
        to?.destroy();
      });
    }
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const url = new URL(databaseUrl);
  url.port = String((server.address() as AddressInfo).port);
  return {
    url: url.href,
    leadTo: (other) => (target = new URL(other)),
    open: () => {
      state = 'open';
      fatal = undefined;
    },
    close: () => {
      state = 'closed';
      cutAll();
    },
    swallow: () => (state = 'swallowing'),
    loseAnswerTo: (statement) => (fatal = statement),
    get lost() {
      return lost;
    },
    stop: () =>
      new Promise((closed) => {
        server.close(() => closed());
        cutAll();
      }),
  };
}
