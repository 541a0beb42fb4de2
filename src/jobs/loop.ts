const LEAST_SECONDS = 1;
const MOST_SECONDS = 5;

/**
 * Looks again and again: when it is woken, or after as many seconds as the last look said, which is at least one and
 * at most five. A look that fails is repeated after five.
 */
export class Loop {
  private stopped = false;
  private woken = false;
  private wakeUp: (() => void) | undefined;
  private turning: Promise<void> | undefined;
  private failing = false;

  constructor(
    private readonly look: () => Promise<number>,
    private readonly complain: (error: unknown) => void,
  ) {}

  start(): void {
    this.turning ??= this.turn();
  }

  wake(): void {
    this.woken = true;
    this.wakeUp?.();
  }

  /** Resolves when no look is in progress, and none will be. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.wake();
    await this.turning;
  }

  private async turn(): Promise<void> {
    while (!this.stopped) {
      this.woken = false;
      const seconds = await this.lookOrSay();
      if (!this.stopped && !this.woken) await this.sleep(Math.min(MOST_SECONDS, Math.max(LEAST_SECONDS, seconds)));
    }
  }

  /** Says once that it fails, not every five seconds. */
  private async lookOrSay(): Promise<number> {
    try {
      const seconds = await this.look();
      this.failing = false;
      return seconds;
    } catch (error) {
      if (!this.failing) this.complain(error);
      this.failing = true;
      return MOST_SECONDS;
    }
  }

  private sleep(seconds: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, seconds * 1000).unref();
      this.wakeUp = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
