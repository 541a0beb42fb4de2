/**
 * What `work` resolves to, if that is soon enough. It goes on all the same, and nobody hears of its end.
 * @throws when it takes longer than `milliseconds`, and what `work` throws before.
 */
export async function within<Result>(milliseconds: number, work: Promise<Result>): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${milliseconds} ms`)), milliseconds);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}
