import { startTestApp, type TestApp } from '../support/app';

let app: TestApp;

beforeAll(async () => {
  app = await startTestApp();
});
afterAll(async () => {
  await app?.stop();
});

const problemAt = async (path: string, init?: RequestInit) => {
  const response = await fetch(`${app.url}${path}`, init);
  expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/);
  expect(response.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  return (await response.json()) as { status: number; code: string };
};

test('an unknown route, a path that is too long and one that cannot be decoded are problem documents', async () => {
  expect(await problemAt('/nothing/here')).toMatchObject({ status: 404, code: 'not_found' });
  expect(await problemAt(`/v1/invoices/${'x'.repeat(5000)}`)).toMatchObject({ status: 404, code: 'not_found' });
  expect(await problemAt('/v1/invoices/%E0%A4%A')).toMatchObject({ status: 400, code: 'invalid_request' });
  expect(await problemAt('/v1/invoices/%00')).toMatchObject({ status: 404 });
});

test('a body that is not JSON, and one of a type that nobody reads, are problem documents', async () => {
  const body = (type: string, text: string) => ({ method: 'POST', headers: { 'content-type': type }, body: text });
  expect(await problemAt('/v1/chat/completions', body('application/json', '{"a":'))).toMatchObject({ status: 400 });
  expect(await problemAt('/v1/chat/completions', body('text/html', 'x'))).toMatchObject({ status: 415 });
});
