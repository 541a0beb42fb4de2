import { findProof, proofMessage } from './proof-of-payment';

const proof = {
  transaction: `0x${'aB'.repeat(32)}`,
  network: 'eip155:84532',
  payer: `0x${'Cd'.repeat(20)}`,
  reference: `tbr_${'x'.repeat(40)}`,
  signature: `0x${'1f'.repeat(65)}`,
};
const header = (value: unknown) => ({
  'proof-of-payment': Buffer.from(JSON.stringify(value)).toString('base64'),
});

test('reads a proof, with its hex in one case', () => {
  expect(findProof(header(proof))).toEqual({
    scheme: 'transfer-proof',
    ...proof,
    transaction: proof.transaction.toLowerCase(),
    payer: proof.payer.toLowerCase(),
    extensions: {},
  });
});

test('reads base64url as well', () => {
  const text = Buffer.from(JSON.stringify({ ...proof, note: '???>>>' })).toString('base64url');
  expect(findProof({ 'proof-of-payment': text })).toMatchObject({ network: proof.network });
});

test('finds nothing where there is nothing', () => {
  expect(findProof({})).toBeUndefined();
});

test.each([
  ['not base64', { 'proof-of-payment': 'a b' }],
  ['empty', { 'proof-of-payment': '' }],
  ['not JSON', { 'proof-of-payment': 'AAAA' }],
  ['no object', header('text')],
  ['null', header(null)],
  ['sent twice', { 'proof-of-payment': ['a', 'b'] }],
  ['a number', header({ ...proof, transaction: 1 })],
  ['a short transaction', header({ ...proof, transaction: '0x12' })],
  ['a network that is no text', header({ ...proof, network: 8453 })],
  ['no payer', header({ ...proof, payer: undefined })],
  ['a huge reference', header({ ...proof, reference: 'x'.repeat(81) })],
  ['half a byte of signature', header({ ...proof, signature: '0x123' })],
])('%s is a refused payment, not an error', (_, headers) => {
  expect(findProof(headers)).toMatchObject({ refusal: { status: 400, code: 'invalid_proof_of_payment' } });
});

test('what is signed names all that is claimed', () => {
  expect(proofMessage({ network: 'n', transaction: '0xt', payer: '0xp', reference: 'r' })).toBe(
    'Tollbridge proof of payment\nnetwork: n\ntransaction: 0xt\npayer: 0xp\nreference: r',
  );
});
