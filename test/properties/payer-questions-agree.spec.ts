import fc from 'fast-check';
import { encodeFunctionData, getAddress, type Hex, maxUint256, parseAbi } from 'viem';
import { PERMIT2 } from '../../src/evm/contracts';
import { callsOf } from '../../src/evm/read-many';

/* What is asked about a payer, packed by hand, is what viem's general encoder makes of the published functions. */

const ABI = parseAbi([
  'function balanceOf(address account) view returns (uint256)',
  'function authorizationState(address authorizer, bytes32 nonce) view returns (bool)',
  'function allowance(address owner, address spender) view returns (uint256)',
  'function nonceBitmap(address owner, uint256 word) view returns (uint256)',
]);
const hex = (bytes: number) =>
  fc.uint8Array({ minLength: bytes, maxLength: bytes }).map((array): Hex => `0x${Buffer.from(array).toString('hex')}`);
const address = fc.oneof(hex(20), hex(20).map(getAddress));

test('calldata packed by hand is that of viem', () => {
  const nonce3009 = fc.option(hex(32), { nil: undefined });
  const permit2Word = fc.option(fc.bigInt({ min: 0n, max: maxUint256 >> 8n }), { nil: undefined });
  fc.assert(
    fc.property(address, address, nonce3009, permit2Word, (token, payer, nonce, word) => {
      const asked = {
        ...(nonce === undefined ? {} : { nonce3009: nonce }),
        ...(word === undefined ? {} : { permit2Word: word }),
      };
      const ofToken = [
        encodeFunctionData({ abi: ABI, functionName: 'balanceOf', args: [payer] }),
        ...(nonce === undefined
          ? []
          : [encodeFunctionData({ abi: ABI, functionName: 'authorizationState', args: [payer, nonce] })]),
        ...(word === undefined
          ? []
          : [encodeFunctionData({ abi: ABI, functionName: 'allowance', args: [payer, PERMIT2] })]),
      ].map((data) => ({ to: token, data }));
      const ofPermit2 =
        word === undefined ? [] : [encodeFunctionData({ abi: ABI, functionName: 'nonceBitmap', args: [payer, word] })];
      expect(callsOf({ token, payer, ...asked })).toEqual([
        ...ofToken,
        ...ofPermit2.map((data) => ({ to: PERMIT2, data })),
      ]);
    }),
  );
});
