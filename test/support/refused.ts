import { receivedOnChain } from './chain';
import { chat } from './world';
import { countOfBooks, type X402World } from './x402-world';

/** A call with this payment is refused with this status and code, and is as if it had never been. */
export async function expectRefused(
  world: X402World,
  headers: Record<string, string>,
  status: number,
  code: string,
): Promise<void> {
  const [calls, books, received] = [
    world.upstream.calls().length,
    await countOfBooks(world),
    await receivedOnChain(world.chain),
  ];
  const response = await chat(world.url, undefined, {}, headers);
  const problem = await response.json();
  expect({ status: response.status, code: (problem as { code: string }).code }).toEqual({ status, code });
  expect(problem).toMatchObject({ detail: expect.any(String), hint: expect.any(String) });
  expect(response.headers.has('payment-required')).toBe(status === 402 || status === 412);
  expect(world.upstream.calls()).toHaveLength(calls);
  expect(await countOfBooks(world)).toEqual(books);
  expect(await receivedOnChain(world.chain)).toBe(received);
}
