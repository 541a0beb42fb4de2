import { existsSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { temporaryPlace } from './temporary-place';

describe('where temporary data goes', () => {
  it('is the directory for temporary files where there is no other, it has too little room, or it is a disk', () => {
    expect(temporaryPlace(join(tmpdir(), 'not', 'there'))).toBe(tmpdir());
    expect(temporaryPlace('/dev/shm', Number.MAX_SAFE_INTEGER)).toBe(tmpdir());
    expect(temporaryPlace('/proc', 0)).toBe(tmpdir());
  });

  it('is memory where the system has it as a directory', () => {
    const isThere = existsSync('/dev/shm') && statfsSync('/dev/shm').type === 0x01021994;
    expect(temporaryPlace('/dev/shm', 1)).toBe(isThere ? '/dev/shm' : tmpdir());
  });
});
