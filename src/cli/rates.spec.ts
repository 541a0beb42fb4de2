import { type Command, type Given, readCommandLine, UsageError } from './command';
import { RATE_OPTIONS, ratesIn, showRates } from './rates';

const command: Command = { options: RATE_OPTIONS, run: () => Promise.resolve() };
const read = (...args: string[]) => ratesIn(readCommandLine('prices set', command, args) as Given);

describe('rates on a command line', () => {
  it('are US dollars, exact in nano-USD', () => {
    expect(
      read('--input', '0.15', '--cached-input', '0.075', '--output', '0.60', '--per-request', '0.000000001'),
    ).toEqual({
      inputNanoPerMillion: 150_000_000n,
      cachedInputNanoPerMillion: 75_000_000n,
      outputNanoPerMillion: 600_000_000n,
      perRequestNano: 1n,
    });
  });

  it('know images by size and quality', () => {
    expect(read('--image', '0.04', '--image', '1024x1024:hd=0.08')).toEqual({
      perImageNano: { default: 40_000_000n, '1024x1024:hd': 80_000_000n },
    });
  });

  it('keep a zero, which is free', () => {
    expect(read('--input', '0', '--output', '1')).toEqual({
      inputNanoPerMillion: 0n,
      outputNanoPerMillion: 1_000_000_000n,
    });
  });

  it.each([[['--input', '$1']], [['--input=-1']], [['--image', '1024x1024=']], [['--output', '0.0000000001']], [[]]])(
    'refuse %j',
    (args) => {
      expect(() => read(...args)).toThrow(UsageError);
    },
  );

  it('can be read by a person', () => {
    expect(showRates(read('--input', '2.5', '--output', '10', '--image', '0.04', '--per-request', '0.01'))).toBe(
      'input 2.5, output 10 per M; per-request 0.01; image 0.04',
    );
  });
});
