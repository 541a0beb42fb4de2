import { usdc } from '../../common/money';
import { transferInstructions, walletProviderOf } from './transfer-instructions';

const request = {
  network: 'eip155:8453',
  asset: '0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913',
  payTo: '0x00000000000000000000000000000000000000aa',
  amount: usdc(1_234_567n),
  reference: `tbr_${'x'.repeat(40)}`,
  issuedAt: new Date('2026-01-01T00:00:00Z'),
};

test('say where, how much, until when, and as a link of EIP-681', () => {
  expect(transferInstructions(request, undefined)).toMatchObject({
    network: request.network,
    asset: request.asset,
    payTo: request.payTo,
    amount: '1.234567',
    atoms: '1234567',
    reference: request.reference,
    expiresAt: '2026-01-01T01:00:00.000Z',
    eip681: `ethereum:${request.asset}@8453/transfer?address=${request.payTo}&uint256=1234567`,
    proof: { header: 'Proof-of-Payment' },
  });
});

test.each([
  ['MetaMask', ['metamask']],
  ['Trust Wallet', ['trust']],
  ['trust-wallet', ['trust']],
  ['Rainbow', ['metamask', 'trust']],
  [undefined, ['metamask', 'trust']],
])('show the links that match the wallet %s', (named, wallets) => {
  const headers = named === undefined ? {} : { 'wallet-provider': named };
  const { links } = transferInstructions(request, walletProviderOf(headers)) as { links: { wallet: string }[] };
  expect(links.map(({ wallet }) => wallet)).toEqual(wallets);
});

test('a wallet that does not know the chain is not linked', () => {
  const local = transferInstructions({ ...request, network: 'eip155:31337' }, 'trust') as { links: unknown[] };
  expect(JSON.stringify(local.links)).not.toContain('trustwallet');
});

test.each([undefined, '', ' '.repeat(50), '<script>', ['a', 'b'], 'x'.repeat(41)])(
  'a hint that is no name is not there: %p',
  (given) => {
    expect(walletProviderOf({ 'wallet-provider': given })).toBeUndefined();
  },
);
