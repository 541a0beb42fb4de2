import { customerWith, startWorld, type World } from '../support/world';

let world: World;

beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world?.stop());

test('what is priced is what is served: a member written twice or in another case cannot differ', async () => {
  const { key } = await customerWith(world, 1_000_000_000n);
  const send = (body: string) =>
    fetch(`${world.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
      body,
    });
  const messages = '"messages":[{"role":"user","content":"Hi"}]';

  const variant = await send(`{"model":"gpt-4o-mini","MODEL":"gpt-4o",${messages}}`);
  expect(await variant.json()).toMatchObject({ status: 400, code: 'ambiguous_field' });

  for (const first of ['"model"', '"mod\\u0065l"']) {
    const twice = await send(`{${first}:"gpt-4o","max_tokens":9000,"model":"gpt-4o-mini","max_tokens":5,${messages}}`);
    expect(twice.status).toBe(200);
    expect(world.upstream.calls().at(-1)?.body).toMatchObject({ model: 'gpt-4o-mini', max_tokens: 5 });
  }
});
