// A ledger writer in a process of its own: batches come as messages, verdicts go back. It ends with the one that forked it.
const { readFileSync } = require('node:fs');
const { join } = require('node:path');
const { transformSync } = require('@swc/core');

const root = join(__dirname, '..', '..');
const options = { ...JSON.parse(readFileSync(join(root, '.swcrc'), 'utf8')), swcrc: false, sourceMaps: false };
require.extensions['.ts'] = (module, filename) =>
  module._compile(transformSync(readFileSync(filename, 'utf8'), { ...options, filename }).code, filename);

process.once('disconnect', () => process.exit(0));
const { openWriter } = require(join(__dirname, 'ledger-writers.ts'));
async function run() {
  const { decide } = await openWriter(process.env.DATABASE_URL);
  process.on('message', async ({ n, operations }) => process.send({ n, verdicts: await decide(operations) }));
  process.send('ready');
}
void run();
