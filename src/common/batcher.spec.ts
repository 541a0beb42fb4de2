import { Batcher, type BatcherOptions, untilRepeated } from './batcher';

/** A batcher whose batches leave when the test says so. */
function held(options: Partial<BatcherOptions<string>> = {}) {
  const batches: { items: readonly string[]; answer(error?: Error): void }[] = [];
  const batcher = new Batcher<string, string>(
    (items) =>
      new Promise((resolve, reject) => {
        const answer = (error?: Error) => (error ? reject(error) : resolve(items.map((item) => item.toUpperCase())));
        batches.push({ items, answer });
      }),
    { together: (queue) => queue.length, ...options },
  );
  const sent = async (count: number) => {
    while (batches.length < count) await new Promise(setImmediate);
    return batches.map(({ items }) => items.join(''));
  };
  return { batcher, batches, sent };
}

test('what comes in one turn leaves together; what comes meanwhile shares the next', async () => {
  const { batcher, batches, sent } = held();
  const first = ['a', 'b'].map((item) => batcher.submit(item));
  expect(await sent(1)).toEqual(['ab']);
  const second = ['c', 'd', 'e'].map((item) => batcher.submit(item));
  batches[0]?.answer();
  expect(await Promise.all(first)).toEqual(['A', 'B']);
  expect(await sent(2)).toEqual(['ab', 'cde']);
  batches[1]?.answer();
  expect(await Promise.all(second)).toEqual(['C', 'D', 'E']);
});

test('two of one name never leave together', async () => {
  const { batcher, batches, sent } = held({ together: (queue) => untilRepeated(queue, (item) => item, 3) });
  const answers = ['a', 'b', 'a', 'c', 'd', 'e'].map((item) => batcher.submit(item));
  for (const expected of [['ab'], ['ab', 'acd'], ['ab', 'acd', 'e']]) {
    expect(await sent(expected.length)).toEqual(expected);
    batches.at(-1)?.answer();
  }
  expect(await Promise.all(answers)).toEqual(['A', 'B', 'A', 'C', 'D', 'E']);
});

test('an error that one of them may have caused is met by that one alone; any other is everybody’s', async () => {
  const { batcher, batches, sent } = held({ triedAlone: (error) => (error as Error).message === 'poison' });
  const answers = Promise.allSettled(['a', 'b'].map((item) => batcher.submit(item)));
  await sent(1);
  batches[0]?.answer(new Error('poison'));
  expect(await sent(3)).toEqual(['ab', 'a', 'b']);
  batches[1]?.answer(new Error('poison'));
  batches[2]?.answer();
  expect((await answers).map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);

  const others = Promise.allSettled(['c', 'd'].map((item) => batcher.submit(item)));
  await sent(4);
  batches[3]?.answer(new Error('the connection is gone'));
  expect((await others).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
});

test('a batch that is out for long holds up nobody', async () => {
  const { batcher, batches, sent } = held({ patienceMs: 1 });
  const stuck = batcher.submit('a');
  await sent(1);
  const next = batcher.submit('b');
  expect(await sent(2)).toEqual(['a', 'b']);
  batches[1]?.answer();
  expect(await next).toBe('B');
  batches[0]?.answer();
  expect(await stuck).toBe('A');
});
