import { CHALLENGE_SECONDS, isOurNonce, issueChallenge } from './sign-in-challenge';

const KEY = 'a key of the operator';
const URL = 'https://api.example.com/v1/wallet';

test('names the place, and lasts as long as a message is fresh', () => {
  const now = new Date('2026-01-01T00:00:00Z');
  expect(issueChallenge(URL, KEY, now)).toMatchObject({
    domain: 'api.example.com',
    uri: URL,
    version: '1',
    issuedAt: now.toISOString(),
    expirationTime: new Date(now.getTime() + CHALLENGE_SECONDS * 1000).toISOString(),
    nonce: expect.stringMatching(/^[0-9a-f]{64}$/),
  });
});

test('two challenges never share a nonce', () => {
  expect(issueChallenge(URL, KEY).nonce).not.toBe(issueChallenge(URL, KEY).nonce);
});

test('a nonce is ours for its own URL, its own instant and our own key', () => {
  const challenge = issueChallenge(URL, KEY);
  expect(isOurNonce(challenge, KEY)).toBe(true);
  expect(isOurNonce(challenge, 'another key')).toBe(false);
  expect(isOurNonce({ ...challenge, uri: `${URL}/withdrawals` }, KEY)).toBe(false);
  expect(isOurNonce({ ...challenge, issuedAt: '2026-01-01T00:00:00.000Z' }, KEY)).toBe(false);
});

test.each(['', 'abcdefgh', 'f'.repeat(64), 'é'.repeat(64), '0'.repeat(63)])('a made-up nonce is not: %p', (nonce) => {
  expect(isOurNonce({ ...issueChallenge(URL, KEY), nonce }, KEY)).toBe(false);
});
