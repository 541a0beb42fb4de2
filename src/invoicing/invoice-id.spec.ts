import fc from 'fast-check';
import { newId } from '../common/id';
import { callIdIn, newInvoiceId } from './invoice-id';

test('an invoice id names its call, and is another one each time', () => {
  const callId = newId();
  expect(callIdIn(newInvoiceId(callId))).toBe(callId);
  expect(newInvoiceId(callId)).not.toBe(newInvoiceId(callId));
});

test('what is no invoice id names no call', () => {
  fc.assert(fc.property(fc.string(), (text) => callIdIn(text) === undefined));
  expect(callIdIn(`${newInvoiceId(newId())}x`)).toBeUndefined();
});
