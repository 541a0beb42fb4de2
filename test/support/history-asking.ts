import type { TestApp } from './app';
import type { Json } from './card-world';
import type { AskedAction } from './history';

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Json;
}

type Gift = Extract<AskedAction, { act: 'gift' | 'code' }>;

/** What is in a gift that ends. */
const MONTH_MS = 30 * 86_400_000;

/** Asks for credit that is given, until there is an answer. */
export class HistoryAsking {
  private code: string | undefined;

  constructor(private readonly test: TestApp) {}

  /** @param copies of the request, at once. @returns what came of it */
  async act(action: Gift, customerId: string, key: string, copies: number): Promise<string> {
    if (action.act === 'gift') return String((await this.give(action, customerId, copies)).status);
    await this.redeem(key, copies);
    // Whoever has it already is told so, and so is who never heard that it got it.
    return 'asked for';
  }

  private give({ cents, ends }: Extract<Gift, { act: 'gift' }>, customerId: string, copies: number): Promise<Answer> {
    const gift = {
      customerId,
      amount: (cents / 100).toFixed(2),
      reason: 'for a life',
      ...(ends ? { expiresAt: new Date(Date.now() + MONTH_MS).toISOString() } : {}),
    };
    const headers = { 'idempotency-key': crypto.randomUUID() };
    return insist(() => post(this.test, '/admin/grants', gift, this.test.adminToken, headers), copies);
  }

  private async redeem(key: string, copies: number): Promise<Answer> {
    this.code ??= await this.newCode();
    return insist(() => post(this.test, '/v1/credits/redeem', { code: this.code }, key), copies);
  }

  private async newCode(): Promise<string> {
    const terms = { amount: '5', cap: 1, expiresDays: 30 };
    const { status, body } = await insist(() => post(this.test, '/admin/promo-codes', terms, this.test.adminToken), 1);
    if (status !== 201) throw new Error(`no code: ${JSON.stringify(body)}`);
    return body.code;
  }
}

export function post(
  test: TestApp,
  path: string,
  body: Json,
  key: string,
  headers: Record<string, string> = {},
): Promise<Response> {
  const authorization = key === '' ? {} : { authorization: `Bearer ${key}` };
  return fetch(`${test.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...authorization, ...headers },
    body: JSON.stringify(body),
  });
}

/**
 * Asks again while it is in work, or broke; `between` comes after each answer that is none, also while copies wait: what
 * they wait for may be dead.
 */
export async function insist(
  ask: () => Promise<Response>,
  copies: number,
  between: () => Promise<void> = () => Promise.resolve(),
): Promise<Answer> {
  const once = async () => {
    const answer = await answerOf(await ask());
    if (!isFinal(answer)) await between();
    return answer;
  };
  for (let attempt = 1; ; attempt++) {
    const answers = await Promise.all(Array.from({ length: copies }, once));
    const last = answers.find(({ status }) => status < 300) ?? answers.find(isFinal);
    if (last) return last;
    if (attempt === 20) throw new Error(`no answer: ${JSON.stringify(answers.map(({ body }) => body))}`);
  }
}

async function answerOf(response: Response): Promise<Answer> {
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text.startsWith('{') ? JSON.parse(text) : text };
}

const isFinal = ({ status, headers }: Answer) => status < 500 && !headers.has('retry-after');
