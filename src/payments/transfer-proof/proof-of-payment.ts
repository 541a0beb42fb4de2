import type { Hex } from 'viem';
import { addressOf, bytes32Of, objectOf, signatureOf, type UnreadablePayment } from '../payment-envelope';
import type { PaymentPayload, RequestHeaders } from '../payment-scheme';
import { malformedPayment } from '../refusal';

/** A transfer that a payer sent on their own, shown by a header with their signature. Hex is in lower case. */
export interface ProofOfPayment extends PaymentPayload {
  readonly transaction: Hex;
  /** CAIP-2. */
  readonly network: string;
  readonly payer: Hex;
  readonly reference: string;
  /** Of `proofMessage`: EIP-191, or what the payer's contract takes for one (EIP-1271). */
  readonly signature: Hex;
  readonly extensions: Readonly<Record<string, unknown>>;
}

/** The text that the payer signs (EIP-191): a stranger who saw the transaction cannot. */
export function proofMessage(proof: Pick<ProofOfPayment, 'transaction' | 'network' | 'payer' | 'reference'>): string {
  const { network, transaction, payer, reference } = proof;
  return [
    'Tollbridge proof of payment',
    `network: ${network}`,
    `transaction: ${transaction}`,
    `payer: ${payer}`,
    `reference: ${reference}`,
  ].join('\n');
}

/** The `Proof-of-Payment` of a request: base64 of a JSON object. Never throws. */
export function findProof(headers: RequestHeaders): ProofOfPayment | UnreadablePayment | undefined {
  const header = headers['proof-of-payment'];
  if (header === undefined) return undefined;
  if (typeof header !== 'string') return unreadable('it is there more than once');
  const given = decode(header);
  if (!given) return unreadable('it is not base64 of a JSON object');
  const { network, reference } = given;
  const transaction = bytes32Of(given['transaction']);
  const payer = addressOf(given['payer']);
  const signature = signatureOf(given['signature']);
  if (transaction === undefined) return unreadable('transaction is not the hash of one');
  if (payer === undefined) return unreadable('payer is not an address');
  if (signature === undefined) return unreadable('signature is not the hex of one');
  if (typeof network !== 'string' || network.length > 80) return unreadable('network is not a CAIP-2 id');
  if (typeof reference !== 'string' || reference.length > 80) return unreadable('reference is not one of ours');
  const extensions = objectOf(given['extensions'] ?? {});
  if (extensions === undefined) return unreadable('extensions is not an object');
  return { scheme: 'transfer-proof', transaction, network, payer, reference, signature, extensions };
}

function decode(header: string): Readonly<Record<string, unknown>> | undefined {
  if (!/^[\w+/-]+={0,2}$/.test(header)) return undefined;
  try {
    return objectOf(JSON.parse(Buffer.from(header, 'base64').toString('utf8')));
  } catch {
    return undefined;
  }
}

const unreadable = (why: string): UnreadablePayment => ({
  scheme: 'transfer-proof',
  refusal: {
    ...malformedPayment('Proof-of-Payment', why),
    code: 'invalid_proof_of_payment',
    hint: 'It is base64 of the JSON {"transaction","network","payer","reference","signature"}.',
  },
});
