import { Agent, request } from 'undici';

/** One run of a closed loop. */
export interface Load {
  readonly rps: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly errors: number;
}

interface Target {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

const PATH = '/v1/chat/completions';

/** `connections` callers, each with its own connection, each asking again as soon as it is answered. */
export async function load(target: Target, body: string, connections: number, seconds: number): Promise<Load> {
  const agent = new Agent({ connections, pipelining: 1 });
  const latencies: number[] = [];
  let errors = 0;
  const start = performance.now();
  const end = start + seconds * 1000;
  const caller = async () => {
    while (performance.now() < end) {
      const sent = performance.now();
      try {
        const answer = await request(target.url + PATH, {
          method: 'POST',
          headers: target.headers,
          body,
          dispatcher: agent,
        });
        await answer.body.dump();
        if (answer.statusCode !== 200) errors++;
      } catch {
        errors++;
      }
      latencies.push(performance.now() - sent);
    }
  };
  await Promise.all(Array.from({ length: connections }, caller));
  const elapsed = (performance.now() - start) / 1000;
  await agent.close();
  const sorted = latencies.toSorted((a, b) => a - b);
  return { rps: (latencies.length - errors) / elapsed, p50Ms: at(sorted, 0.5), p99Ms: at(sorted, 0.99), errors };
}

/** Median time to the first byte of a stream's body, one request after the other. */
export async function firstByteP50(target: Target, body: string, calls: number): Promise<number> {
  const agent = new Agent({ connections: 1, pipelining: 1 });
  const streamed = JSON.stringify({ ...(JSON.parse(body) as object), stream: true });
  const times: number[] = [];
  for (let call = 0; call < calls; call++) {
    const sent = performance.now();
    const answer = await request(target.url + PATH, {
      method: 'POST',
      headers: target.headers,
      body: streamed,
      dispatcher: agent,
    });
    let first: number | undefined;
    for await (const _ of answer.body) first ??= performance.now() - sent;
    if (first !== undefined) times.push(first);
  }
  await agent.close();
  return at(
    times.toSorted((a, b) => a - b),
    0.5,
  );
}

const at = (sorted: readonly number[], quantile: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * quantile))] ?? 0;
