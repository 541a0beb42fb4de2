/** So often a range is taken in a row before a larger one is tried; each refusal doubles it. */
const FIRST_PATIENCE = 8;
const MOST_PATIENCE = 1024;

/**
 * How many blocks of logs are asked for at once. Every provider has another limit, of blocks or of logs, and few tell it:
 * a range that is refused is halved, and grows again after it was taken for a while.
 */
export class LogRange {
  private size: number;
  private taken = 0;
  private patience = FIRST_PATIENCE;

  /** @param most in blocks, at least 1 */
  constructor(private readonly most: number) {
    this.size = most;
  }

  get blocks(): number {
    return this.size;
  }

  accept(): void {
    this.taken += 1;
    if (this.taken < this.patience || this.size === this.most) return;
    this.size = Math.min(this.size * 2, this.most);
    this.taken = 0;
  }

  /** `false` when a single block was refused: it is not the range. */
  refuse(asked: number): boolean {
    if (asked <= 1) return false;
    this.size = Math.floor(asked / 2);
    this.taken = 0;
    this.patience = Math.min(this.patience * 2, MOST_PATIENCE);
    return true;
  }
}

/** How far an address is read: every block before `nextBlock`. */
export interface ReadPosition {
  readonly address: string;
  readonly nextBlock: bigint;
}

/** Blocks that are read at once, both ends included, for these addresses. */
export interface Chunk {
  readonly from: bigint;
  readonly to: bigint;
  readonly addresses: readonly string[];
}

/**
 * The next blocks to read up to `target`: for those addresses that are least far, and not beyond where the others are,
 * so that they go on together from there. `undefined` when everything is read.
 */
export function nextChunk(positions: readonly ReadPosition[], target: bigint, blocks: number): Chunk | undefined {
  const from = least(positions.map(({ nextBlock }) => nextBlock));
  if (from === undefined || from > target) return undefined;
  const addresses = positions.filter(({ nextBlock }) => nextBlock === from).map(({ address }) => address);
  const ahead = positions.map(({ nextBlock }) => nextBlock - 1n).filter((read) => read >= from);
  const to = least([from + BigInt(blocks) - 1n, target, ...ahead]) as bigint;
  return { from, to, addresses };
}

const least = (numbers: readonly bigint[]): bigint | undefined =>
  numbers.reduce<bigint | undefined>((a, b) => (a === undefined || b < a ? b : a), undefined);
