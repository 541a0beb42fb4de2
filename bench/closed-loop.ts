import { Agent, request } from 'undici';
import { Latencies } from './latencies';

/** What came of one window. */
export interface LoopRun {
  readonly rps: number;
  readonly latencies: Latencies;
  readonly failures: number;
}

/**
 * So many payers ask at once, each again as soon as it is answered, with a payment of its own for each call; a payer that
 * has none left stops. A call is done when it is answered with 200 and a receipt.
 */
export async function closedLoop(
  url: string,
  body: string,
  payers: number,
  seconds: number,
  paymentOf: (payer: number) => string | undefined,
): Promise<LoopRun> {
  const agent = new Agent({ connections: payers, pipelining: 1, headersTimeout: 60_000 });
  const latencies = new Latencies();
  let [done, failures] = [0, 0];
  const start = performance.now();
  const end = start + seconds * 1000;
  const payAndAsk = async (payer: number) => {
    while (performance.now() < end) {
      const payment = paymentOf(payer);
      if (payment === undefined) return;
      const headers = { 'content-type': 'application/json', 'payment-signature': payment };
      const sent = performance.now();
      const answer = await request(url, { method: 'POST', headers, body, dispatcher: agent }).catch(() => undefined);
      await answer?.body.dump();
      latencies.record(performance.now() - sent);
      if (answer?.statusCode === 200 && answer.headers['payment-response'] !== undefined) done++;
      else failures++;
    }
  };
  await Promise.all(Array.from({ length: payers }, (_, payer) => payAndAsk(payer)));
  const elapsed = (performance.now() - start) / 1000;
  await agent.close();
  return { rps: done / elapsed, latencies, failures };
}
