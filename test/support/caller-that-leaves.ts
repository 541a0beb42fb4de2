import { request } from 'node:http';

/** A chat call on a connection of its own, which can be cut. `fetch` may keep one open whose call was aborted. */
export interface Leaving {
  /** Resolves with the first bytes of the answer's body, or when the connection is gone. */
  readonly begun: Promise<void>;
  /** Resolves with the whole body, or what came of it. */
  readonly ended: Promise<string>;
  /** Cuts the connection. */
  leave(): void;
}

export function send(url: string, key: string, headers: Record<string, string>, body: object): Leaving {
  const call = request(`${url}/v1/chat/completions`, {
    method: 'POST',
    agent: false,
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}`, ...headers },
  });
  let text = '';
  const begun = new Promise<void>((resolve) => {
    call.once('response', (response) => response.once('data', () => resolve()));
    call.once('close', () => resolve());
  });
  const ended = new Promise<string>((resolve) => {
    call.once('response', (response) => {
      response.on('data', (chunk: Buffer) => (text += chunk.toString())).on('error', () => undefined);
    });
    call.once('close', () => resolve(text));
  });
  call.on('error', () => undefined);
  call.end(JSON.stringify({ model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'Say something.' }], ...body }));
  return { begun, ended, leave: () => call.destroy() };
}
