import { StripeSources } from './stripe-sources.service';

describe('sources of movements at Stripe', () => {
  it('are converged by the part that knows ids of their kind', async () => {
    const sources = new StripeSources();
    sources.register(['ch', 'py'], async (id) => async () => `charge ${id}`);
    sources.register(['re'], async () => undefined);
    const effect = await sources.converge('py_1');
    expect(await effect?.({ query: async () => [] })).toBe('charge py_1');
    expect(await sources.converge('re_1')).toBeUndefined();
    expect(await sources.converge('xx_1')).toBeUndefined();
    expect(await sources.converge('')).toBeUndefined();
  });

  it('have one part each', () => {
    const sources = new StripeSources();
    sources.register(['ch'], async () => undefined);
    expect(() => sources.register(['re', 'ch'], async () => undefined)).toThrow('ch_');
  });
});
