import { type Money, smaller } from '../../src/common/money';
import type { KeptAnswer } from '../../src/payments/claim';
import type {
  CaptureOutcome,
  Delivery,
  Failure,
  Hold,
  HoldOutcome,
  Paid,
  PaymentPayload,
  PaymentRequirements,
  PaymentScheme,
  RequestHeaders,
  Work,
} from '../../src/payments/payment-scheme';
import { alreadyUsed, inProgress, malformedPayment } from '../../src/payments/refusal';

/**
 * Payment by banknote, in memory: the smallest scheme that keeps the contract. A banknote pays for one piece of work;
 * what it is worth above the charge is given back.
 */
export class CashScheme implements PaymentScheme {
  readonly name = 'cash';
  /** What was taken so far, in nano-USD. */
  taken = 0n;
  private readonly notes = new Map<string, Note>();

  requirements({ quote }: Work): readonly PaymentRequirements[] {
    const { asset, atoms } = quote.ceiling;
    return [
      {
        scheme: this.name,
        network: 'cash:drawer',
        amount: atoms.toString(),
        asset,
        payTo: 'drawer',
        maxTimeoutSeconds: 60,
        extra: {},
      },
    ];
  }

  find(headers: RequestHeaders): PaymentPayload | undefined {
    const serial = headers['x-banknote'];
    return serial === undefined ? undefined : ({ scheme: this.name, serial } as PaymentPayload);
  }

  async hold(payment: PaymentPayload, work: Work): Promise<HoldOutcome> {
    const { serial } = payment as Banknote;
    if (typeof serial !== 'string' || !/^\d{1,20}$/.test(serial)) {
      return { kind: 'refused', refusal: malformedPayment('X-BANKNOTE', 'it is not a serial number') };
    }
    const note = this.notes.get(serial);
    if (note && note.fingerprint !== work.fingerprint)
      return { kind: 'refused', refusal: alreadyUsed('banknote_used') };
    if (note && note.state !== 'released') return this.follow(note);
    const { promise, resolve } = withResolver();
    const { callId, fingerprint, quote } = work;
    this.notes.set(serial, { callId, fingerprint, state: 'held', done: promise, finish: resolve });
    return {
      kind: 'held',
      hold: {
        callId,
        scheme: this.name,
        customerId: 'somebody',
        apiKeyId: null,
        payer: serial,
        amount: quote.ceiling,
        capped: true,
        claimKey: serial,
        headers: {},
      },
    };
  }

  async capture(hold: Hold, delivery: Delivery): Promise<CaptureOutcome> {
    const note = this.notes.get(hold.claimKey as string);
    const mine = note?.callId === hold.callId && note.state !== 'released';
    if (!note || !mine) return { kind: 'refused', refusal: inProgress };
    if (note.state === 'held') {
      note.charge = smaller(delivery.charge.amount, hold.amount);
      note.answer = delivery.answer;
      delivery.rows(paidBy(hold, note.charge));
      this.taken += note.charge.atoms;
      note.state = 'taken';
      note.finish();
    }
    return { kind: 'captured', receipt: { charge: note.charge as Money, balance: undefined, headers: {} } };
  }

  async release(hold: Hold, failure: Failure): Promise<void> {
    const note = this.notes.get(hold.claimKey as string);
    if (note?.callId !== hold.callId || note.state !== 'held') return;
    failure.rows(paidBy(hold, { asset: hold.amount.asset, atoms: 0n }));
    note.state = 'released';
    note.finish();
  }

  private async follow(note: Note): Promise<HoldOutcome> {
    await note.done;
    return note.answer ? { kind: 'replay', answer: note.answer } : { kind: 'refused', refusal: inProgress };
  }
}

interface Banknote extends PaymentPayload {
  readonly serial: unknown;
}

interface Note {
  readonly callId: string;
  readonly fingerprint: string;
  state: 'held' | 'taken' | 'released';
  charge?: Money;
  answer?: KeptAnswer | undefined;
  /** Resolves when nobody works for it any more. */
  readonly done: Promise<void>;
  readonly finish: () => void;
}

function withResolver() {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((settle) => (resolve = settle));
  return { promise, resolve };
}

const paidBy = (hold: Hold, charge: Money): Paid => ({
  charge,
  held: hold.amount,
  evidence: {},
  paymentId: hold.claimKey,
  network: null,
  transaction: null,
});
