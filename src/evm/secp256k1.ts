import { createRequire } from 'node:module';

/**
 * The uncompressed public key (65 bytes) behind a signature over 32 bytes, `r` and `s` in 64 bytes. Throws for numbers
 * out of range and for what nobody can have signed.
 */
export type Recover = (digest: Uint8Array, signature: Uint8Array, recovery: 0 | 1) => Uint8Array | null;

interface Secp256k1 {
  ecdsaRecover(signature: Uint8Array, recovery: number, digest: Uint8Array, compressed: boolean): Uint8Array;
}
interface TinySecp256k1 {
  recover(digest: Uint8Array, signature: Uint8Array, recovery: 0 | 1, compressed: boolean): Uint8Array | null;
}

const load = createRequire(__filename);

const inC = (path: string) => (): Recover => {
  const library = load(path) as Secp256k1;
  return (digest, signature, recovery) => library.ecdsaRecover(signature, recovery, digest, false);
};

/** The fastest first: libsecp256k1 as a native addon, the same in WASM, and plain JavaScript. */
export const IMPLEMENTATIONS: Readonly<Record<'native' | 'wasm' | 'javascript', () => Recover>> = {
  native: inC('secp256k1/bindings.js'),
  wasm: () => {
    const library = load('tiny-secp256k1') as TinySecp256k1;
    return (digest, signature, recovery) => library.recover(digest, signature, recovery, false);
  },
  javascript: inC('secp256k1/elliptic.js'),
};

export type Implementation = keyof typeof IMPLEMENTATIONS;

/** The first that this machine can load. */
export const { name: IMPLEMENTATION, recover: recoverPublicKey } = chosen();

function chosen(): { name: Implementation; recover: Recover } {
  for (const name of ['native', 'wasm'] as const) {
    try {
      return { name, recover: IMPLEMENTATIONS[name]() };
    } catch {
      // No binary for this platform, or no WebAssembly here: the next one gives the same answers, only slower.
    }
  }
  return { name: 'javascript', recover: IMPLEMENTATIONS.javascript() };
}
