import fc from 'fast-check';
import { concat, type Hex, numberToHex, recoverAddress } from 'viem';
import { privateKeyToAccount, sign } from 'viem/accounts';
import { type Implementation, IMPLEMENTATION, IMPLEMENTATIONS, type Recover } from '../../src/evm/secp256k1';
import { recoverSigner } from '../../src/evm/signature';

/* Native, WASM, JavaScript and viem's own recovery say the same of every signature, good or bad. */

const recoveries = Object.entries(IMPLEMENTATIONS).map(([name, load]): [string, Recover] => [name, load()]);
const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;

const bytes = (length: number) =>
  fc.uint8Array({ minLength: length, maxLength: length }).map((of): Hex => `0x${Buffer.from(of).toString('hex')}`);
const privateKey = fc.bigInt({ min: 1n, max: ORDER - 1n }).map((key) => numberToHex(key, { size: 32 }));
const digest = bytes(32);

/** What each says; the test fails unless it is one answer. */
function verdict(hash: Hex, signature: Hex): Hex | undefined {
  const verdicts = new Set(recoveries.map(([, recover]) => recoverSigner(hash, signature, recover)));
  expect(verdicts.size).toBe(1);
  expect(recoverSigner(hash, signature)).toBe([...verdicts][0]);
  return [...verdicts][0];
}

test('this machine has the native one', () => {
  expect(IMPLEMENTATION).toBe<Implementation>('native');
  expect(recoveries).toHaveLength(3);
});

test('a good signature has one signer, and its twin with the higher s has none', async () => {
  await fc.assert(
    fc.asyncProperty(privateKey, digest, async (key, hash) => {
      const { r, s, v } = await sign({ hash, privateKey: key });
      const signature = concat([r, s, numberToHex(v as bigint, { size: 1 })]);
      const signer = privateKeyToAccount(key).address.toLowerCase();
      expect(verdict(hash, signature)).toBe(signer);
      expect((await recoverAddress({ hash, signature })).toLowerCase()).toBe(signer);
      const twin = concat([
        r,
        numberToHex(ORDER - BigInt(s), { size: 32 }),
        numberToHex(v === 27n ? 28n : 27n, { size: 1 }),
      ]);
      expect((await recoverAddress({ hash, signature: twin })).toLowerCase()).toBe(signer);
      expect(verdict(hash, twin)).toBeUndefined();
    }),
    { numRuns: 25 },
  );
});

test('every v but 27 and 28 is refused, and so is every other length', async () => {
  const { r, s } = await sign({ hash: `0x${'11'.repeat(32)}`, privateKey: `0x${'22'.repeat(32)}` });
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 255 }).filter((v) => v !== 27 && v !== 28),
      (v) => expect(verdict(`0x${'11'.repeat(32)}`, concat([r, s, numberToHex(v, { size: 1 })]))).toBeUndefined(),
    ),
  );
  fc.assert(
    fc.property(
      fc
        .integer({ min: 0, max: 100 })
        .filter((length) => length !== 65)
        .chain(bytes),
      (signature) => expect(verdict(`0x${'11'.repeat(32)}`, signature)).toBeUndefined(),
    ),
  );
});

test('whatever 65 bytes they get, they agree with each other and with viem', async () => {
  const scalar = fc.oneof(
    fc.bigInt({ min: 0n, max: 2n ** 256n - 1n }),
    fc.constantFrom(0n, 1n, ORDER / 2n, ORDER / 2n + 1n, ORDER - 1n, ORDER, ORDER + 1n, 2n ** 256n - 1n),
  );
  await fc.assert(
    fc.asyncProperty(digest, scalar, scalar, fc.constantFrom(27, 28), async (hash, r, s, v) => {
      const signature = concat([
        numberToHex(r, { size: 32 }),
        numberToHex(s, { size: 32 }),
        numberToHex(v, { size: 1 }),
      ]);
      const signer = verdict(hash, signature);
      if (s > ORDER / 2n) expect(signer).toBeUndefined();
      else {
        const other = await recoverAddress({ hash, signature }).catch(() => undefined);
        expect(signer).toBe(other?.toLowerCase());
      }
    }),
    { numRuns: 50 },
  );
});
