import type { DatabaseService } from '../../src/database/database.service';
import type { Trouble } from './history';

/** Has a transaction of the application fail, as when its process dies: before its commit, or with the answer to it lost. */
export class Crashes {
  private armed: Trouble['crash'] = null;

  constructor(database: DatabaseService) {
    const transaction = database.transaction.bind(database);
    database.transaction = async (work) => {
      const now = this.isNow();
      const result = await transaction(async (tx) => {
        const done = await work(tx);
        if (now === 'before the commit') throw new Error('died before the commit');
        return done;
      });
      if (now === 'after the commit') throw new Error('died after the commit');
      return result;
    };
  }

  arm(crash: NonNullable<Trouble['crash']>): void {
    this.armed = { ...crash };
  }

  disarm(): void {
    this.armed = null;
  }

  private isNow(): NonNullable<Trouble['crash']>['when'] | undefined {
    if (!this.armed) return undefined;
    const { transaction, when } = this.armed;
    this.armed = transaction === 0 ? null : { when, transaction: transaction - 1 };
    return transaction === 0 ? when : undefined;
  }
}
