// A ledger writer in a process of its own: batches come as messages, verdicts go back. It ends with the one that forked it.
require('./typescript.cjs');

process.once('disconnect', () => process.exit(0));
const { openWriter } = require('./ledger-writers.ts');
async function run() {
  const { decide } = await openWriter(process.env.DATABASE_URL);
  process.on('message', async ({ n, operations }) => process.send({ n, verdicts: await decide(operations) }));
  process.send('ready');
}
void run();
