import { type MessageEvent, WebSocket } from 'undici';

/** A node that closed the connection, or could not be reached, is tried again after so long, for ever. */
const AGAIN_MS = 1_000;

export interface HeadsListener {
  /** There is a new block, or there may be one that was missed. */
  readonly onBlock: () => void;
  /** From now on nothing is heard, until `onBlock` is called again. */
  readonly onLost: () => void;
}

/** Hears of a chain's new blocks from a node's WebSocket: `eth_subscribe` to `newHeads`. */
export class NewHeads {
  private socket: WebSocket | undefined;
  private subscription: string | undefined;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly url: string,
    private readonly listener: HeadsListener,
  ) {
    this.connect();
  }

  /** Whether the node has confirmed the subscription, and the connection is there. */
  get isLive(): boolean {
    return this.subscription !== undefined;
  }

  stop(): void {
    clearTimeout(this.timer);
    const { socket } = this;
    this.socket = undefined;
    this.subscription = undefined;
    socket?.close();
  }

  private connect(): void {
    const socket = new WebSocket(this.url);
    this.socket = socket;
    socket.addEventListener('open', () => socket.send(SUBSCRIBE));
    socket.addEventListener('message', ({ data }: MessageEvent) => this.hear(socket, String(data)));
    socket.addEventListener('error', () => this.lose(socket));
    socket.addEventListener('close', () => this.lose(socket));
  }

  private hear(socket: WebSocket, text: string): void {
    if (socket !== this.socket) return;
    const { id, result, params } = read(text);
    if (id === ID && typeof result !== 'string') return socket.close(); // it does not know subscriptions, or has too many
    if (id === ID) this.subscription = result as string;
    if (id === ID || (this.isLive && params?.subscription === this.subscription)) this.listener.onBlock();
  }

  /** A connection that fails is told of by `error`, then by `close`. */
  private lose(socket: WebSocket): void {
    if (socket !== this.socket) return;
    this.stop();
    this.listener.onLost();
    this.timer = setTimeout(() => this.connect(), AGAIN_MS).unref();
  }
}

const ID = 1;
const SUBSCRIBE = JSON.stringify({ jsonrpc: '2.0', id: ID, method: 'eth_subscribe', params: ['newHeads'] });

interface Message {
  readonly id?: unknown;
  readonly result?: unknown;
  readonly params?: { readonly subscription?: unknown };
}

function read(text: string): Message {
  try {
    return (JSON.parse(text) as Message | null) ?? {};
  } catch {
    return {};
  }
}
