import { Loop } from './loop';

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('a Loop', () => {
  it('looks at once when it is woken, also when that happens during a look', async () => {
    let looks = 0;
    let finish: () => void = () => undefined;
    const loop = new Loop(
      () => {
        looks++;
        return new Promise((resolve) => (finish = () => resolve(Infinity)));
      },
      () => undefined,
    );
    loop.start();
    expect(looks).toBe(1);
    loop.wake();
    expect(looks).toBe(1);
    finish();
    await turn();
    expect(looks).toBe(2);
    finish();
    await turn();
    expect(looks).toBe(2);
    loop.wake();
    await turn();
    expect(looks).toBe(3);
    finish();
    await loop.stop();
  });

  it('is not stopped before its look has ended, and looks no more', async () => {
    let looks = 0;
    let finish: () => void = () => undefined;
    let stopped = false;
    const loop = new Loop(
      () => {
        looks++;
        return new Promise((resolve) => (finish = () => resolve(0)));
      },
      () => undefined,
    );
    loop.start();
    const stop = loop.stop().then(() => (stopped = true));
    await turn();
    expect(stopped).toBe(false);
    finish();
    await stop;
    expect(looks).toBe(1);
  });

  it('complains once while looking fails, and goes on', async () => {
    const complaints: unknown[] = [];
    let looks = 0;
    const loop = new Loop(
      () => {
        looks++;
        return looks === 3 ? Promise.resolve(Infinity) : Promise.reject(new Error(`look ${looks}`));
      },
      (error) => complaints.push(String(error)),
    );
    loop.start();
    for (let n = 0; n < 4; n++) {
      await turn();
      loop.wake();
    }
    await turn();
    await loop.stop();
    expect(complaints).toEqual(['Error: look 1', 'Error: look 4']);
  });
});
