import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Agent, type Dispatcher } from 'undici';
import { CONFIG } from '../config/config.module';
import type { Config } from '../config/config';
import { type Model, UPSTREAM_KEY_ENV } from '../pricing/model';
import { toUpstream } from './forwarded-headers';
import { type InferenceCall, upstreamBody } from './inference-call';
import { UpstreamFailedError } from './upstream-error';

/** An answer whose head has arrived. The body has not been read. */
export type UpstreamAnswer = Dispatcher.ResponseData;

/** Statuses that are the caller's own fault: they pass through, and nothing is charged. */
const CALLERS_FAULT = new Set([400, 404, 409, 413, 415, 422]);

export const isCallersFault = (status: number): boolean => CALLERS_FAULT.has(status);

/** Sends a call to its model's server, on connections that are kept open. */
@Injectable()
export class UpstreamClient implements OnApplicationShutdown {
  private readonly agent: Agent;

  constructor(@Inject(CONFIG) private readonly config: Config) {
    const { timeoutMs } = config.upstream;
    this.agent = new Agent({
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
      connectTimeout: 10_000,
      connections: 1024,
    });
  }

  async onApplicationShutdown(): Promise<void> {
    await this.agent.close();
  }

  /** @throws UpstreamFailedError when there is no answer, or one that is not the caller's fault. */
  async send(call: InferenceCall, model: Model): Promise<UpstreamAnswer> {
    const base = model.upstreamUrl ?? this.config.upstream.url;
    const answer = await this.agent
      .request({
        origin: new URL(base).origin,
        path: `${new URL(base).pathname.replace(/\/$/, '')}${call.endpoint}`,
        method: 'POST',
        headers: toUpstream(call.headers, this.keyOf(model)),
        body: upstreamBody(call, model),
      })
      .catch((cause: unknown) => {
        throw new UpstreamFailedError({ cause });
      });
    const encoding = answer.headers['content-encoding'] ?? 'identity';
    if (answer.statusCode < 300 || CALLERS_FAULT.has(answer.statusCode)) {
      if (encoding === 'identity') return answer;
      // It was asked for a plain answer: usage cannot be read in a compressed one.
      answer.body.on('error', () => undefined).destroy();
      throw new UpstreamFailedError({ cause: new Error(`The answer is compressed (${String(encoding)}).`) });
    }
    // What it says about its failure is nobody's business, and a connection that breaks now changes nothing.
    await answer.body.dump().catch(() => undefined);
    const retryAfter = answer.headers['retry-after'];
    throw new UpstreamFailedError({ status: answer.statusCode, retryAfter: [retryAfter].flat()[0] });
  }

  private keyOf(model: Model): string | undefined {
    const { upstreamKeyEnv } = model;
    if (upstreamKeyEnv === null) return this.config.upstream.apiKey;
    return UPSTREAM_KEY_ENV.test(upstreamKeyEnv) ? process.env[upstreamKeyEnv] : undefined;
  }
}
