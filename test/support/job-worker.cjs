// Runs the worker from its sources, with the handlers of the tests. It ends with the one that forked it.
const { readFileSync } = require('node:fs');
const { join } = require('node:path');
const { transformSync } = require('@swc/core');

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

const root = join(__dirname, '..', '..');
const options = { ...JSON.parse(readFileSync(join(root, '.swcrc'), 'utf8')), swcrc: false, sourceMaps: false };
require.extensions['.ts'] = (module, filename) =>
  module._compile(transformSync(readFileSync(filename, 'utf8'), { ...options, filename }).code, filename);

process.once('disconnect', () => process.exit(1));
const { work } = require(join(root, 'src', 'worker.ts'));
const { TestJobsModule } = require(join(__dirname, 'job-handlers.ts'));
work(TestJobsModule).catch((error) => {
  console.error(error.message);
  process.exit(1);
});
