import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readRunningStack, removeStackFile, type StackFile, writeStackFile } from './stack-file';
import { readOwner, StackLock } from './stack-lock';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tollbridge-lock-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const stack = { url: 'http://127.0.0.1:4020', apiKey: 'tb_x' } as StackFile;

describe('StackLock', () => {
  it('is held by one, who can be found', () => {
    const lock = StackLock.acquire(directory);
    expect(() => StackLock.acquire(directory)).toThrow(`is already starting (process ${process.pid})`);
    lock.announce('http://127.0.0.1:4321');
    expect(() => StackLock.acquire(directory)).toThrow('already runs at http://127.0.0.1:4321');
    expect(readOwner(directory)).toMatchObject({ pid: process.pid, url: 'http://127.0.0.1:4321' });
    lock.release();
    expect(readdirSync(directory)).toEqual([]);
    StackLock.acquire(directory).release();
  });

  it.each([
    ['a process that is gone', { pid: 2 ** 22 - 1, began: 'x', url: null }],
    ['a pid that was given to another program', { pid: process.pid, began: 'another time', url: null }],
  ])('is taken over from %s', (_, owner) => {
    writeFileSync(join(directory, 'stack.lock'), JSON.stringify(owner));
    expect(readOwner(directory)).toBeUndefined();
    StackLock.acquire(directory).release();
  });

  it('is taken over when it was cut off', () => {
    writeFileSync(join(directory, 'stack.lock'), '{"pid":');
    const lock = StackLock.acquire(directory);
    expect(readOwner(directory)?.pid).toBe(process.pid);
    lock.release();
  });
});

describe('the stack file', () => {
  it('is for its owner only, and counts while the stack runs', () => {
    const lock = StackLock.acquire(directory);
    expect(readRunningStack(directory)).toBeUndefined();
    writeStackFile(directory, stack);
    expect(statSync(join(directory, 'stack.json')).mode & 0o777).toBe(0o600);
    expect(readRunningStack(directory)).toEqual(stack);
    lock.release();
    expect(readRunningStack(directory)).toBeUndefined();
    removeStackFile(directory);
    expect(existsSync(join(directory, 'stack.json'))).toBe(false);
  });
});
