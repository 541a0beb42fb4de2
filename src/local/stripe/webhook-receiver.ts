import { type IncomingMessage, createServer } from 'node:http';
import { type AddressInfo } from 'node:net';
import Stripe from 'stripe';

/** A webhook receiver for tests: checks every signature with the real package and keeps what it got, in order. */
export interface WebhookReceiver {
  readonly url: string;
  readonly events: Stripe.Event[];
  /** Deliveries whose signature did not hold. */
  readonly forged: string[];
  /** Answers to give before 200s; an empty list means 200. */
  readonly answers: number[];
  /** Resolves when `done` holds; rejects after ten seconds with what came instead. */
  until(done: (events: Stripe.Event[]) => boolean): Promise<void>;
  stop(): Promise<void>;
}

const PATIENCE_MS = 10_000;

export async function startWebhookReceiver(secret: () => string): Promise<WebhookReceiver> {
  const stripe = new Stripe('sk_test_unused');
  const events: Stripe.Event[] = [];
  const forged: string[] = [];
  const answers: number[] = [];
  let arrived: () => void = () => undefined;
  const receive = async (request: IncomingMessage): Promise<number> => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    try {
      const signature = request.headers['stripe-signature'] ?? '';
      events.push(stripe.webhooks.constructEvent(Buffer.concat(chunks), signature, secret()));
    } catch (error) {
      forged.push(String(error));
      return 400;
    } finally {
      arrived();
    }
    return answers.shift() ?? 200;
  };
  const server = createServer((request, response) => {
    void receive(request).then((status) => response.writeHead(status).end());
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/webhook`,
    events,
    forged,
    answers,
    until: async (done) => {
      const deadline = Date.now() + PATIENCE_MS;
      while (!done(events)) {
        const left = deadline - Date.now();
        if (left <= 0)
          throw new Error(`not in time; came: ${events.map(({ type }) => type).join(', ')}; ${forged.join('; ')}`);
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, left);
          arrived = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
    },
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => void server.close(resolve));
    },
  };
}
