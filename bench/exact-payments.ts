import { randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';
import { type Hex, toHex } from 'viem';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { transferDigest } from '../src/evm/typed-digest';
import type { PaymentRequirements } from '../src/payments/payment-scheme';

/** Signed by libsecp256k1: an account of viem's would be what is measured. */
const secp256k1 = createRequire(__filename)('secp256k1/bindings.js') as {
  ecdsaSign(digest: Uint8Array, key: Uint8Array): { signature: Uint8Array; recid: number };
};

export interface BenchPayer {
  readonly address: Hex;
  readonly privateKey: Hex;
}

export function newPayer(): BenchPayer {
  const privateKey = generatePrivateKey();
  return { privateKey, address: privateKeyToAccount(privateKey).address };
}

/** The value of a PAYMENT-SIGNATURE header that pays what is asked for. */
export function signedHeader({ address, privateKey }: BenchPayer, accepted: PaymentRequirements): string {
  const now = Math.floor(Date.now() / 1000);
  const authorization = {
    from: address,
    to: accepted.payTo as Hex,
    value: accepted.amount,
    validAfter: String(now - 600),
    validBefore: String(now + accepted.maxTimeoutSeconds),
    nonce: toHex(randomBytes(32)),
  };
  const token = {
    name: String(accepted.extra['name']),
    version: String(accepted.extra['version']),
    chainId: Number(accepted.network.split(':')[1]),
    address: accepted.asset as Hex,
  };
  const payload = { authorization, signature: signDigest(transferDigest(token, authorization), privateKey) };
  return Buffer.from(JSON.stringify({ x402Version: 2, accepted, payload })).toString('base64');
}

/** 65 bytes: r, s, v. */
export function signDigest(digest: Hex, privateKey: Hex): Hex {
  const { signature, recid } = secp256k1.ecdsaSign(bytesOf(digest), bytesOf(privateKey));
  return `0x${Buffer.from(signature).toString('hex')}${recid === 0 ? '1b' : '1c'}`;
}

const bytesOf = (hex: Hex): Buffer => Buffer.from(hex.slice(2), 'hex');
