import { randomBytes } from 'node:crypto';
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Stamp } from './answer';
import { NO_BEHAVIOURS } from './behaviours';
import { type UpstreamCall, CallLog } from './call-log';
import { deliver } from './delivery';
import { RequestReader } from './request-reader';
import type { Outcome } from './wire';

export interface UpstreamOptions {
  /** 0, the default, takes any free port. */
  readonly port?: number;
  /** When given, every call but `/health` must bear it. */
  readonly apiKey?: string;
  /** Called with one line for every call served. */
  readonly log?: (line: string) => void;
}

/** A running upstream. */
export interface Upstream {
  /** The origin alone, as `http://127.0.0.1:1234`: the endpoints live under `/v1`. */
  readonly url: string;
  /** Closes every connection, hanging ones too, and resolves when the port is free. */
  stop(): Promise<void>;
  /** The last calls served, at most 1000, newest last. */
  calls(): UpstreamCall[];
}

interface World {
  readonly reader: RequestReader;
  readonly calls: CallLog;
  /** Answers on their way; each leaves when it is recorded. */
  readonly open: Set<Promise<void>>;
}

// Longer than any client keeps an idle connection: a server that closes first races with the next request on it.
const KEEP_ALIVE_MS = 75_000;

/**
 * Starts the OpenAI-shaped upstream of the local world on 127.0.0.1. Any model name is served. How a request is
 * answered, well or badly, is chosen by its `x-upstream-behave` header or its model's suffix (README.md).
 * @throws when the port is taken
 */
export async function startUpstream(options: UpstreamOptions = {}): Promise<Upstream> {
  const world: World = { reader: new RequestReader(options.apiKey), calls: new CallLog(options.log), open: new Set() };
  const prefix = randomBytes(4).toString('hex');
  let served = 0;
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (req, res) => {
    if (req.url === '/health') {
      res.writeHead(200, { 'content-type': 'application/json' }).end('{"status":"ok"}');
      return;
    }
    readBody(req, (text) => {
      served += 1;
      const id = `${prefix}${served.toString(36).padStart(6, '0')}`;
      respond(req, res, text, { id, created: Math.floor(Date.now() / 1000) }, world);
    });
  });
  await listen(server, options.port ?? 0);
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    stop: async () => {
      await stop(server);
      // The connections are gone, and the calls they cut short must be in the record before anyone reads it.
      await Promise.all(world.open);
    },
    calls: () => world.calls.last(),
  };
}

/** Answers one request and records how it ended. */
function respond(req: IncomingMessage, res: ServerResponse, text: string, stamp: Stamp, world: World): void {
  const at = Date.now();
  const reading = world.reader.read(req.method ?? 'GET', req.url ?? '/', req.headers, text);
  const { path, model, body, status, behaviours, answer } = reading;
  const record = (outcome: Outcome): void => {
    const sent = res.headersSent ? res.statusCode : null;
    const { usage } = answer;
    world.calls.add({ id: stamp.id, path, model, requestHeaders: req.headers, body, outcome, at, status: sent, usage });
  };
  if (behaviours === NO_BEHAVIOURS && 'json' in answer) {
    const json = answer.json(stamp);
    const length = String(json.length);
    res.writeHead(status, ['content-type', 'application/json', 'content-length', length, 'x-request-id', stamp.id]);
    res.end(json, 'latin1');
    if (res.destroyed) record('aborted');
    else record(status < 400 ? 'completed' : 'failed');
    return;
  }
  const sending = deliver(res, status, answer, behaviours, stamp).then(record, (error: unknown) => {
    // A bug of this simulator: a hung caller would hide it.
    res.destroy(error instanceof Error ? error : undefined);
    record('failed');
  });
  world.open.add(sending);
  void sending.finally(() => world.open.delete(sending));
}

function readBody(req: IncomingMessage, done: (text: string) => void): void {
  const parts: Buffer[] = [];
  req.on('data', (part: Buffer) => parts.push(part));
  req.on('end', () => done(parts.length === 1 ? String(parts[0]) : Buffer.concat(parts).toString()));
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve());
  });
}

function stop(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
