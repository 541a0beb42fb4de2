import { type Hex, pad, type TransactionReceipt, toEventSelector, toHex } from 'viem';
import { movesTheMoney } from './transfer-call';

const [PAYER, PAY_TO, STRANGER, TOKEN] = ['0xa1', '0xb2', '0xc3', '0xd4'].map((hex) =>
  pad(hex as Hex, { size: 20 }),
) as [Hex, Hex, Hex, Hex];
const NONCE = pad('0x01', { size: 32 });
const authorization = { from: PAYER, to: PAY_TO, value: '250', validAfter: '0', validBefore: '9', nonce: NONCE };

const used = (nonce: Hex, address = TOKEN) => ({
  address,
  topics: [toEventSelector('AuthorizationUsed(address,bytes32)'), pad(PAYER), nonce],
  data: '0x',
});
const transfer = (to: Hex, value: number, address = TOKEN) => ({
  address,
  topics: [toEventSelector('Transfer(address,address,uint256)'), pad(PAYER), pad(to)],
  data: toHex(value, { size: 32 }),
});
const paidBy = (...logs: object[]): boolean =>
  movesTheMoney(authorization, { asset: TOKEN, payTo: PAY_TO })({ logs } as unknown as TransactionReceipt);

test('the transfer that the authorization made pays', () => {
  expect(paidBy(used(NONCE), transfer(PAY_TO, 250))).toBe(true);
  const other = pad('0x02', { size: 32 });
  expect(paidBy(used(other), transfer(PAY_TO, 250), used(NONCE), transfer(PAY_TO, 250))).toBe(true);
});

test('another transfer of the same payer in the same transaction pays for something else', () => {
  const other = pad('0x02', { size: 32 });
  expect(paidBy(used(other), transfer(PAY_TO, 250), used(NONCE), transfer(STRANGER, 250))).toBe(false);
  expect(paidBy(used(NONCE), transfer(STRANGER, 250), used(other), transfer(PAY_TO, 250))).toBe(false);
  expect(paidBy(transfer(PAY_TO, 250), used(NONCE))).toBe(false);
});

test('neither does another amount, another token, or no use of the authorization', () => {
  expect(paidBy(used(NONCE), transfer(PAY_TO, 249))).toBe(false);
  expect(paidBy(used(NONCE, STRANGER), transfer(PAY_TO, 250))).toBe(false);
  expect(paidBy(used(NONCE), transfer(PAY_TO, 250, STRANGER))).toBe(false);
  expect(paidBy(transfer(PAY_TO, 250))).toBe(false);
});
