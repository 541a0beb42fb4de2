import { decodeCursor, encodeCursor } from './invoice-cursor';

describe('invoice cursor', () => {
  it('comes back as it was made, to the microsecond', () => {
    const cursor = { issuedAt: '2026-11-23T14:03:22.123456Z', id: 'inv_a-b_C' };
    expect(decodeCursor(encodeCursor(cursor))).toEqual(cursor);
  });

  it.each(['', 'nonsense', '!!!', encodeCursor({ issuedAt: '2026-99-23T14:03:22.123456Z', id: 'a' }), 'a'.repeat(300)])(
    'refuses "%s"',
    (text) => {
      expect(() => decodeCursor(text)).toThrow(expect.objectContaining({ code: 'invalid_cursor' }));
    },
  );
});
