import type { DatabaseService } from '../../src/database/database.service';
import type { Trouble } from './history';

/** Has a transaction of the application fail, as when its process dies: before its commit, or with the answer to it lost. */
export class Crashes {
  private next: Trouble['crashes'][number][] = [];

  constructor(database: DatabaseService) {
    const transaction = database.transaction.bind(database);
    database.transaction = async (work) => {
      const now = this.next.shift();
      const result = await transaction(async (tx) => {
        const done = await work(tx);
        if (now === 'before the commit') throw new Error('died before the commit');
        return done;
      });
      if (now === 'after the commit') throw new Error('died after the commit');
      return result;
    };
  }

  arm(crashes: Trouble['crashes']): void {
    this.next = [...crashes];
  }

  disarm(): void {
    this.next = [];
  }
}
