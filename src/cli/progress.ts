const BAR_WIDTH = 24;
const TERMINAL_EVERY_MS = 100;
const LINE_EVERY_MS = 3_000;

/** How far something long is: a bar on a terminal, a line every few seconds elsewhere. Both on the standard error. */
export class Progress {
  private shownAt = 0;
  private readonly begun = new Map<string, { done: number; counted: number; at: number }>();

  constructor(
    private readonly out: Pick<NodeJS.WriteStream, 'write' | 'isTTY'> = process.stderr,
    private readonly now: () => number = Date.now,
  ) {}

  /** @param counted What `unit` counts, since the beginning of all steps. */
  show(at: { step: string; done: number; total: number; counted: number; unit: string }): void {
    const now = this.now();
    const first = this.begun.get(at.step) ?? { done: at.done, counted: at.counted, at: now };
    this.begun.set(at.step, first);
    const finished = at.done >= at.total;
    if (!finished && now - this.shownAt < (this.out.isTTY ? TERMINAL_EVERY_MS : LINE_EVERY_MS)) return;
    this.shownAt = now;
    const line = progressLine(at, { ...first, seconds: (now - first.at) / 1000 });
    this.out.write(this.out.isTTY ? `\r\u001B[K${line}` : `${line}\n`);
  }

  /** Takes the bar away. */
  end(): void {
    if (this.out.isTTY) this.out.write('\r\u001B[K');
  }
}

/** One line: percentage, and once something was measured the rate and the time that is left. */
export function progressLine(
  { step, done, total, counted, unit }: { step: string; done: number; total: number; counted: number; unit: string },
  first: { done: number; counted: number; seconds: number },
): string {
  const share = total === 0 ? 1 : Math.min(done / total, 1);
  const filled = Math.round(share * BAR_WIDTH);
  const bar = '#'.repeat(filled) + '-'.repeat(BAR_WIDTH - filled);
  const progress = `${step} [${bar}] ${(share * 100).toFixed(1).padStart(5)} %`;
  const rate = first.seconds > 0 ? (counted - first.counted) / first.seconds : 0;
  if (rate <= 0) return progress;
  const left = ((total - done) / (done - first.done)) * first.seconds;
  const eta = done >= total || !Number.isFinite(left) ? '' : `, ${clock(left)} left`;
  return `${progress}  ${grouped(counted)} ${unit}, ${grouped(Math.round(rate))}/s${eta}`;
}

const grouped = (number: number): string => number.toLocaleString('en-US').replaceAll(',', ' ');

const clock = (seconds: number): string =>
  seconds < 60 ? `${Math.ceil(seconds)} s` : `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
