import { type TurnBounds, Turns } from './turns';

const BOUNDS: TurnBounds = { most: 2, patienceMs: 60_000, refusal: (waiting) => new Error(`${waiting} wait`) };

describe('turns', () => {
  const gate = () => {
    let open!: () => void;
    const opened = new Promise<void>((resolve) => (open = resolve));
    return { open, opened };
  };

  it('follow each other under one name, and do not wait for another', async () => {
    const turns = new Turns(BOUNDS);
    const { open, opened } = gate();
    const done: string[] = [];
    const first = turns.take('a', () => opened.then(() => done.push('first')));
    const second = turns.take('a', async () => done.push('second'));
    await turns.take('b', async () => done.push('other'));
    expect(done).toEqual(['other']);
    open();
    await Promise.all([first, second]);
    expect(done).toEqual(['other', 'first', 'second']);
  });

  it('go on behind one that fails, who alone is told', async () => {
    const turns = new Turns(BOUNDS);
    const failing = turns.take('a', () => Promise.reject(new Error('no')));
    const next = turns.take('a', async () => 'yes');
    await expect(failing).rejects.toThrow('no');
    expect(await next).toBe('yes');
  });

  it('are refused to who comes when as many wait as may, and given again when one has gone', async () => {
    const turns = new Turns(BOUNDS);
    const { open, opened } = gate();
    const first = turns.take('a', () => opened);
    const waiting = [turns.take('a', async () => 1), turns.take('a', async () => 2)];
    await expect(turns.take('a', async () => 3)).rejects.toThrow('2 wait');
    expect(await turns.take('b', async () => 4)).toBe(4);
    open();
    await first;
    expect(await Promise.all(waiting)).toEqual([1, 2]);
    expect(await turns.take('a', async () => 5)).toBe(5);
  });

  it('are given up by who has waited too long, and who comes behind still waits for those before', async () => {
    const turns = new Turns({ ...BOUNDS, patienceMs: 1 });
    const { open, opened } = gate();
    const done: string[] = [];
    const first = turns.take('a', () => opened.then(() => done.push('first')));
    await expect(turns.take('a', async () => done.push('never'))).rejects.toThrow('1 wait');
    await expect(turns.take('a', async () => done.push('never'))).rejects.toThrow('1 wait');
    open();
    await first;
    await turns.take('a', async () => done.push('later'));
    expect(done).toEqual(['first', 'later']);
  });
});
