import { ChannelQueue } from './channel-queue';

test('first come, first served, one at a time', async () => {
  const queue = new ChannelQueue();
  const order: string[] = [];
  let busy = true;
  const call = (name: string) =>
    queue.inOrder('channel', 5_000, async () => {
      if (busy) return undefined;
      order.push(name);
      return name;
    });
  const calls = ['first', 'second', 'third'].map(call);
  busy = false;

  expect(await Promise.all(calls)).toEqual(['first', 'second', 'third']);
  expect(order).toEqual(['first', 'second', 'third']);
});

test('gives up in time, at the head of the line and behind it, and the next one goes on', async () => {
  const queue = new ChannelQueue();
  const never = () => queue.inOrder('channel', 60, async () => undefined);

  expect(await Promise.all([never(), never()])).toEqual([undefined, undefined]);
  expect(await queue.inOrder('channel', 60, async () => 'free')).toBe('free');
});

test('channels do not wait for each other', async () => {
  const queue = new ChannelQueue();
  const stuck = queue.inOrder('busy', 100, async () => undefined);

  expect(await queue.inOrder('other', 0, async () => 'free')).toBe('free');
  expect(await stuck).toBeUndefined();
});

test('a caller who fails leaves the line', async () => {
  const queue = new ChannelQueue();
  const failing = queue.inOrder('channel', 1_000, async () => {
    throw new Error('the database is away');
  });

  await expect(failing).rejects.toThrow('away');
  expect(await queue.inOrder('channel', 60, async () => 'free')).toBe('free');
});
