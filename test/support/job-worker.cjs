// Runs the worker from its sources, with the handlers of the tests. It ends with the one that forked it.
require('./typescript.cjs');

// A clock that is wrong by so much, for everything in this process.
const skew = Number(process.env.CLOCK_SKEW_MS ?? 0);
const RealDate = Date;
globalThis.Date = class Date extends RealDate {
  constructor(...given) {
    if (given.length === 0) super(RealDate.now() + skew);
    else super(...given);
  }
  static now() {
    return RealDate.now() + skew;
  }
};

process.once('disconnect', () => process.exit(1));
const { work } = require('../../src/worker.ts');
const { TestJobsModule } = require('./job-handlers.ts');
work(TestJobsModule).catch((error) => {
  console.error(error.message);
  process.exit(1);
});
