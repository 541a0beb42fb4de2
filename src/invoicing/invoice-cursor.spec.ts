import { newId } from '../common/id';
import { decodeCursor, encodeCursor } from './invoice-cursor';

describe('invoice cursor', () => {
  it('comes back as it was made', () => {
    const callId = newId();
    expect(decodeCursor(encodeCursor(callId))).toBe(callId);
  });

  it.each(['', 'nonsense', '!!!', encodeCursor('0192f0c1-0000-7000-8000-00000000000g'), 'a'.repeat(300)])(
    'refuses "%s"',
    (text) => {
      expect(() => decodeCursor(text)).toThrow(expect.objectContaining({ code: 'invalid_cursor' }));
    },
  );
});
