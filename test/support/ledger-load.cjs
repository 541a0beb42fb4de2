// The load of `ledger-load.ts` in a process of its own, to be killed. It ends with the one that forked it.
const { readFileSync } = require('node:fs');
const { join } = require('node:path');
const { transformSync } = require('@swc/core');

const root = join(__dirname, '..', '..');
const options = { ...JSON.parse(readFileSync(join(root, '.swcrc'), 'utf8')), swcrc: false, sourceMaps: false };
require.extensions['.ts'] = (module, filename) =>
  module._compile(transformSync(readFileSync(filename, 'utf8'), { ...options, filename }).code, filename);

process.once('disconnect', () => process.exit(0));
const { runLoad } = require(join(__dirname, 'ledger-load.ts'));
async function run() {
  const stop = await runLoad(JSON.parse(process.env.PLAN));
  process.on('message', async () => {
    await stop();
    process.exit(0);
  });
  process.send('running');
}
void run();
