import { randomBytes } from 'node:crypto';
import type { Tx } from '../database/tx';
import { type CheckName, type Fault, MAX_FAULTS } from './verification';
import type { Piece, Place, Walker } from './verify-chain';

/** Whoever was interrupted may go on for as long. */
const RESUMABLE = '1 day';

/** What a run has seen so far. */
interface State {
  readonly seed: string;
  readonly postings: number;
  readonly entries: number;
  readonly keyed: number;
  readonly keyedPrint: string;
  readonly captures: number;
  readonly capturesPrint: string;
  readonly faults: Partial<Record<CheckName, Fault[]>>;
}

/** Somebody else went on with the same run. */
export class VerificationTakenError extends Error {
  override readonly name = 'VerificationTakenError';
}

/**
 * One walk along the chain. Its progress is a row that commits with the sums of each piece, so that whoever kills the
 * process loses a piece at most. A session's advisory lock keeps two processes from going on with the same run.
 */
export class VerificationRun {
  private constructor(
    readonly walker: Walker,
    readonly startedAt: Date,
    /** The link that an earlier process had come to; zero for a new run. */
    readonly resumedAt: bigint,
    readonly place: Place,
    readonly seen: State,
  ) {}

  /** A run of its own for `session`; an unfinished one of the last day unless `restart`. */
  static async begin(session: Tx, restart: boolean): Promise<VerificationRun> {
    if (!restart) {
      const unfinished = await session.query<{ id: bigint }>(
        `SELECT id FROM verifications WHERE finished_at IS NULL AND started_at > now() - interval '${RESUMABLE}' ORDER BY id DESC`,
      );
      for (const { id } of unfinished) {
        const run = (await lock(session, id)) ? await find(session, id) : undefined;
        if (run) return VerificationRun.of(run, run.seq);
      }
    }
    const seed = randomBytes(8).readBigInt64BE().toString();
    const fresh: State = {
      ...{ seed, postings: 0, entries: 0, keyed: 0, keyedPrint: '0', captures: 0, capturesPrint: '0', faults: {} },
    };
    const [row] = await session.query<RunRow>(
      `INSERT INTO verifications (seq, hash, state) VALUES (0, sha256('tollbridge'), $1)
       RETURNING id, started_at, seq, encode(hash, 'hex') AS hash, state`,
      [JSON.stringify(fresh)],
    );
    if (!row || !(await lock(session, row.id))) throw new VerificationTakenError('a new run belongs to somebody else');
    return VerificationRun.of(row, 0n);
  }

  private static of({ id, started_at, seq, hash, state }: RunRow, resumedAt: bigint): VerificationRun {
    return new VerificationRun({ runId: id, seed: state.seed }, started_at, resumedAt, { seq, hash }, state);
  }

  /** The run after one more piece. */
  after(piece: Piece): VerificationRun {
    const { seen } = this;
    const faults = { ...seen.faults };
    for (const { check, ...fault } of piece.faults) {
      faults[check] = [...(faults[check] ?? []), fault].slice(0, MAX_FAULTS);
    }
    return new VerificationRun(this.walker, this.startedAt, this.resumedAt, piece.place, {
      seed: seen.seed,
      postings: seen.postings + piece.postings,
      entries: seen.entries + piece.entries,
      keyed: seen.keyed + piece.keyed,
      keyedPrint: (BigInt(seen.keyedPrint) + piece.keyedPrint).toString(),
      captures: seen.captures + piece.captures,
      capturesPrint: (BigInt(seen.capturesPrint) + piece.capturesPrint).toString(),
      faults,
    });
  }

  /** For whoever goes on. @throws VerificationTakenError when somebody already did, from `before` on. */
  async save(tx: Tx, before: Place): Promise<void> {
    const { seq, hash } = this.place;
    const saved = await tx.query(
      `UPDATE verifications SET seq = $3, hash = decode($4, 'hex'), state = $5
        WHERE id = $1 AND seq = $2 AND finished_at IS NULL RETURNING id`,
      [this.walker.runId, before.seq, seq, hash, JSON.stringify(this.seen)],
    );
    if (saved.length === 0) throw new VerificationTakenError(`somebody else went on from link ${before.seq}`);
  }

  /** Forgets its sums, and those that nobody will go on with. */
  async finish(tx: Tx): Promise<void> {
    await tx.query('UPDATE verifications SET finished_at = now() WHERE id = $1', [this.walker.runId]);
    await tx.query(
      `DELETE FROM verification_accounts USING verifications run
        WHERE run.id = verification_id AND (run.id = $1 OR run.started_at < now() - 2 * interval '${RESUMABLE}')`,
      [this.walker.runId],
    );
    await tx.query(`DELETE FROM verifications WHERE started_at < now() - interval '30 days'`);
  }
}

interface RunRow {
  id: bigint;
  started_at: Date;
  seq: bigint;
  hash: string;
  state: State;
}

async function lock(session: Tx, id: bigint): Promise<boolean> {
  const [row] = await session.query<{ locked: boolean }>(
    `SELECT pg_try_advisory_lock(hashtextextended('verification ' || $1, 0)) AS locked`,
    [id.toString()],
  );
  return row?.locked === true;
}

/** As it is under the lock; nothing when it was finished meanwhile, or when a crash of the database emptied its sums. */
async function find(session: Tx, id: bigint): Promise<RunRow | undefined> {
  const [row] = await session.query<RunRow>(
    `SELECT id, started_at, seq, encode(hash, 'hex') AS hash, state FROM verifications
      WHERE id = $1 AND finished_at IS NULL
        AND (seq = 0 OR EXISTS (SELECT FROM verification_accounts WHERE verification_id = id))`,
    [id],
  );
  return row;
}
