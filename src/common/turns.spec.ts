import { Turns } from './turns';

describe('turns', () => {
  const gate = () => {
    let open!: () => void;
    const opened = new Promise<void>((resolve) => (open = resolve));
    return { open, opened };
  };

  it('follow each other under one name, and do not wait for another', async () => {
    const turns = new Turns();
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
    const turns = new Turns();
    const failing = turns.take('a', () => Promise.reject(new Error('no')));
    const next = turns.take('a', async () => 'yes');
    await expect(failing).rejects.toThrow('no');
    expect(await next).toBe('yes');
  });
});
