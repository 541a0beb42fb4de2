import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type Store } from './store';
import { type Snapshot } from './tables';

const FORMAT = 1;
const DEBOUNCE_MS = 200;

/** What is in the file, or nothing when there is no file yet. Throws on a file that is not a state file. */
export async function readState(path: string): Promise<Snapshot> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw error;
  }
  const kept = JSON.parse(text) as { format?: number; tables?: Snapshot };
  if (kept.format !== FORMAT || kept.tables === undefined) {
    throw new Error(
      `${path} is not a state file of this Stripe simulator (format ${FORMAT}); move it away to start anew`,
    );
  }
  return kept.tables;
}

/**
 * Keeps a store in a file: a moment after a change, and when closed. Written beside and renamed, so that a reader
 * (or a crash) meets the old state or the new one, never half of one.
 */
export class StateFile {
  private timer: NodeJS.Timeout | undefined;
  private writing: Promise<void> = Promise.resolve();

  constructor(
    private readonly path: string,
    private readonly store: Store,
    private readonly log: (line: string) => void,
  ) {
    store.onChange(() => {
      this.timer ??= setTimeout(() => this.write(), DEBOUNCE_MS).unref();
    });
  }

  /** Writes what is left and stops; throws when that last write fails. */
  async close(): Promise<void> {
    this.store.onChange(() => undefined);
    clearTimeout(this.timer);
    await this.writing;
    await this.save();
  }

  private write(): void {
    this.timer = undefined;
    this.writing = this.writing
      .then(() => this.save())
      .catch((error: unknown) => this.log(`state not written: ${String(error)}`));
  }

  private async save(): Promise<void> {
    const beside = `${this.path}.writing`;
    await mkdir(dirname(this.path), { recursive: true });
    await writeFile(beside, JSON.stringify({ format: FORMAT, tables: this.store.snapshot() }));
    await rename(beside, this.path);
  }
}
