import { CommandError } from './command';

const PATIENCE_MS = 30_000;

/** HTTP as a script of the operator's customer would use it. */
export class DemoClient {
  constructor(
    private readonly url: string,
    private readonly bearer?: string,
    private readonly send: typeof fetch = fetch,
  ) {}

  /** Sends JSON to a path or a full URL. @throws CommandError with the server's own words when it refuses. */
  async request(method: string, target: string, body?: unknown): Promise<Response> {
    const url = new URL(target, this.url);
    const response = await this.send(url, {
      method,
      signal: AbortSignal.timeout(PATIENCE_MS),
      headers: {
        ...(this.bearer === undefined ? {} : { authorization: `Bearer ${this.bearer}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }).catch((error: unknown) => {
      const { message, cause } = error as { message?: string; cause?: { message?: string } };
      throw new CommandError(`${method} ${url.href} failed: ${cause?.message ?? message ?? 'no answer'}`);
    });
    if (response.ok) return response;
    const text = await response.text();
    throw new CommandError(`${method} ${url.pathname} was refused with ${response.status}: ${sentenceOf(text)}`);
  }

  async json<Body>(method: string, target: string, body?: unknown): Promise<Body> {
    return (await (await this.request(method, target, body)).json()) as Body;
  }
}

/** Problem details say it in `detail` and `hint`. */
function sentenceOf(text: string): string {
  try {
    const { detail, hint } = JSON.parse(text) as { detail?: string; hint?: string };
    return [detail, hint].filter(Boolean).join(' ') || text.slice(0, 300);
  } catch {
    return text.slice(0, 300);
  }
}
