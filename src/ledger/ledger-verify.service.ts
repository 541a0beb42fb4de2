import { Injectable } from '@nestjs/common';
import { DatabaseService } from '../database/database.service';
import { Session } from '../database/session.client';
import { Snapshot } from '../database/snapshot.client';
import { type ChainHead, chainHead, type KnownHead } from './chain-head';
import { type Check, check, type VerificationProgress, type VerificationReport } from './verification';
import { VerificationRun } from './verification-run';
import { checkAccounts } from './verify-accounts';
import { walkPiece } from './verify-chain';
import { checkEntries } from './verify-entries';
import { checkHeads } from './verify-heads';
import { checkUsage } from './verify-usage';

/** Joins of a month of a large service take minutes. */
const STATEMENT_SECONDS = 3600;
const IDLE_SECONDS = 60;
/** In links: the snapshot is left to walk so few. */
const NEARLY_THERE = 1000;

export interface VerifyOptions {
  /** Hears how far it is. */
  readonly onProgress?: Listener;
  /** Begins with the first entry, instead of where an interrupted run of the last day was. */
  readonly restart?: boolean;
  /** Heads that somebody has kept: each must still be in the chain. */
  readonly heads?: readonly KnownHead[];
}

/** Proves the books from the rows alone, while calls go on. */
@Injectable()
export class LedgerVerifyService {
  constructor(private readonly database: DatabaseService) {}

  /**
   * Walks the chain in short transactions, in constant memory; what is in motion (accounts, holds) is compared on one
   * short snapshot at the end of the chain. The walk is kept: whoever is interrupted goes on with it.
   */
  async verify({ onProgress = ignore, restart = false, heads = [] }: VerifyOptions = {}): Promise<VerificationReport> {
    const session = await Session.open(this.database, { statementSeconds: STATEMENT_SECONDS });
    try {
      const begun = await VerificationRun.begin(session, restart);
      const run = await this.walk(begun, onProgress);
      const books = await this.atTheHead(run, heads);
      const usage = await checkUsage(session, (step, done, total) =>
        onProgress({ step, done, total, entries: books.entries }),
      );
      await run.finish(session);
      const checks = [...books.checks, ...usage];
      const { takenAt, head } = books;
      const resumedAt = run.resumedAt === 0n ? null : run.resumedAt.toString();
      return { ok: checks.every(({ ok }) => ok), takenAt, head, resumedAt, checks };
    } finally {
      session.close();
    }
  }

  /** `null` when nothing was ever posted. */
  head(): Promise<ChainHead | null> {
    return chainHead(this.database);
  }

  /** Nearly to the head, piece by piece, each in a transaction with the progress that it makes. */
  private async walk(begun: VerificationRun, onProgress: Listener): Promise<VerificationRun> {
    let run = begun;
    for (let rest = Infinity; rest > NEARLY_THERE;) {
      const head = BigInt((await chainHead(this.database))?.seq ?? 0);
      const tell = () =>
        onProgress({ step: 'chain', done: Number(run.place.seq), total: Number(head), entries: run.seen.entries });
      tell();
      rest = Number(head - run.place.seq);
      while (run.place.seq < head) {
        const before = run;
        run = await this.database.transaction(async (tx) => {
          const piece = await walkPiece(tx, before.walker, before.place);
          if (!piece) throw new Error(`the chain ends at ${before.place.seq}, and had link ${head} a moment ago`);
          const next = before.after(piece);
          await next.save(tx, before.place);
          return next;
        });
        tell();
      }
    }
    return run;
  }

  /** What was posted since, and then everything that must be true at one instant. */
  private async atTheHead(walked: VerificationRun, heads: readonly KnownHead[]) {
    const snapshot = await Snapshot.open(this.database, {
      ...{ statementSeconds: STATEMENT_SECONDS, idleSeconds: IDLE_SECONDS, writable: true },
    });
    try {
      let run = walked;
      for (let piece = await walkPiece(snapshot, run.walker, run.place); piece !== null;) {
        run = run.after(piece);
        piece = await walkPiece(snapshot, run.walker, run.place);
      }
      const [taken] = await snapshot.query<{ at: Date }>('SELECT now() AS at');
      const { seen, place } = run;
      const checks: Check[] = [
        ...(heads.length === 0 ? [] : [await checkHeads(snapshot, heads)]),
        check('hash_chain', Number(place.seq), seen.faults.hash_chain ?? []),
        check('flush_digests', Number(place.seq), seen.faults.flush_digests ?? []),
        ...(await checkAccounts(snapshot, run)),
        ...(await checkEntries(snapshot, run)),
      ];
      const takenAt = (taken?.at ?? new Date()).toISOString();
      return { takenAt, head: await chainHead(snapshot), checks, entries: seen.entries };
    } finally {
      // Not committed: the tail was added to the sums for this snapshot alone.
      await snapshot.close();
    }
  }
}

type Listener = (progress: VerificationProgress) => void;

const ignore: Listener = () => undefined;
