/**
 * closed: calls pass · suspect: one failed everywhere, and it is asked whether anybody is there; calls still pass ·
 * open: nobody is, calls fail at once · half_open: it is asked again.
 */
export type CircuitState = 'closed' | 'suspect' | 'open' | 'half_open';

export type CircuitEvent = 'call_failed' | 'probe_answered' | 'probe_failed' | 'pause_over';

/** What is not here changes nothing. Only a probe opens and closes: one call that fails is no outage. */
export const CIRCUIT_TRANSITIONS: Readonly<
  Record<CircuitState, Readonly<Partial<Record<CircuitEvent, CircuitState>>>>
> = {
  closed: { call_failed: 'suspect' },
  suspect: { probe_answered: 'closed', probe_failed: 'open' },
  open: { pause_over: 'half_open' },
  half_open: { probe_answered: 'closed', probe_failed: 'open' },
};

/** Between two probes: payments are offered again so soon after the first answer. */
const PAUSE_MS = 1_000;

/** A circuit breaker (Nygard, "Release It!") that closes by itself: while it is open, it asks instead of its callers. */
export class Circuit {
  private current: CircuitState = 'closed';
  private changedAt = new Date();
  private timer: NodeJS.Timeout | undefined;

  /** `isThere` never rejects. `onChange` hears of the state that was left and the one that was entered. */
  constructor(
    private readonly isThere: () => Promise<boolean>,
    private readonly onChange: (from: CircuitState, to: CircuitState) => void = () => undefined,
    private readonly pauseMs: number = PAUSE_MS,
  ) {}

  get state(): CircuitState {
    return this.current;
  }

  /** When the state was entered. */
  get since(): Date {
    return this.changedAt;
  }

  /** Whether calls must not be made. */
  get isOpen(): boolean {
    return this.current === 'open' || this.current === 'half_open';
  }

  /** A call that nobody answered. */
  failed(): void {
    if (this.after('call_failed')) void this.probe();
  }

  stop(): void {
    clearTimeout(this.timer);
  }

  private async probe(): Promise<void> {
    this.after((await this.isThere()) ? 'probe_answered' : 'probe_failed');
    if (this.current !== 'open') return;
    this.timer = setTimeout(() => {
      this.after('pause_over');
      void this.probe();
    }, this.pauseMs).unref();
  }

  private after(event: CircuitEvent): boolean {
    const [from, to] = [this.current, CIRCUIT_TRANSITIONS[this.current][event]];
    if (to === undefined) return false;
    this.current = to;
    this.changedAt = new Date();
    this.onChange(from, to);
    return true;
  }
}
