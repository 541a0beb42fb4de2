import { prefixedId } from '../common/id';
import { readLink, sealLink } from './page-link';

const key = 'a key of ours';
const link = { page: 'billing', subject: 'cus_1', expiresAt: new Date('2026-11-23T20:00:00Z') };

describe('a sealed link', () => {
  it('says whom its page is about, and until when', () => {
    expect(readLink(sealLink(link, key), 'billing', key)).toEqual(link);
  });

  it('opens no other page, and nothing under another key', () => {
    expect(readLink(sealLink(link, key), 'report', key)).toBeUndefined();
    expect(readLink(sealLink(link, 'another key'), 'billing', key)).toBeUndefined();
  });

  it('cannot be lengthened, nor be made to be about somebody else', () => {
    const [subject, expires, seal] = sealLink(link, key).split('.');
    for (const forged of [`${subject}.zzzzzz.${seal}`, `cus_2.${expires}.${seal}`, `${subject}.${expires}0.${seal}`]) {
      expect(readLink(forged, 'billing', key)).toBeUndefined();
    }
  });

  it('fits into an address, and what would not is not sealed', () => {
    expect(sealLink({ ...link, subject: prefixedId('cus') }, key).length).toBeLessThanOrEqual(100);
    expect(() => sealLink({ ...link, subject: 'a/b' }, key)).toThrow(RangeError);
  });

  it.each(['', '.', 'x', `a.tfz2o0.${'b'.repeat(43)}`, `${'a'.repeat(46)}.tfz2o0.${'b'.repeat(43)}`, 'ä.ö.ü'])(
    'is not %j',
    (token) => {
      expect(readLink(token, 'billing', key)).toBeUndefined();
    },
  );
});
