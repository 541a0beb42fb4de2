import { stopOnSignal } from '../shutdown';
import type { Screen } from './dev-screen';

const LIMIT_MS = 30_000;

/** What must be stopped, the last started first: at a signal, and when starting fails. */
export class Teardown {
  private readonly steps: { what: string; stop: () => Promise<void> | void }[] = [];
  private interrupted = false;
  private starting: Promise<unknown> = Promise.resolve();

  constructor(private readonly screen: Screen) {}

  /** `what` is shown while it stops; nothing is when it is empty. */
  add(what: string, stop: () => Promise<void> | void): void {
    this.steps.push({ what, stop });
  }

  /** Ends a start that a signal has interrupted. @throws Interrupted */
  check(): void {
    if (this.interrupted) throw new Interrupted();
  }

  /** Runs `start`. When it fails, what it had started is stopped; a signal stops it from then on. */
  async whileStarting(start: () => Promise<void>): Promise<void> {
    stopOnSignal(() => this.stopAfterSignal(), LIMIT_MS);
    const starting = start();
    this.starting = starting.catch(() => undefined);
    try {
      await starting;
    } catch (error) {
      // Then the signal's own teardown runs, and ends the process.
      if (this.interrupted) return;
      await this.stop(() => undefined);
      throw error;
    }
  }

  private async stopAfterSignal(): Promise<void> {
    this.interrupted = true;
    this.screen.line('\nStopping…');
    await this.starting;
    await this.stop((what) => this.screen.line(`  ${what}`));
    this.screen.line('Stopped.');
  }

  /** Every step is taken, also behind one that fails. */
  private async stop(said: (what: string) => void): Promise<void> {
    let failure: unknown;
    for (const { what, stop } of this.steps.splice(0).toReversed()) {
      try {
        await stop();
        if (what !== '') said(what);
      } catch (error) {
        failure ??= error;
      }
    }
    if (failure !== undefined) throw failure;
  }
}

class Interrupted extends Error {}
