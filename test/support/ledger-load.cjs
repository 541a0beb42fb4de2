// The load of `ledger-load.ts` in a process of its own, to be killed. It ends with the one that forked it.
require('./typescript.cjs');

process.once('disconnect', () => process.exit(0));
const { runLoad } = require('./ledger-load.ts');
async function run() {
  const stop = await runLoad(JSON.parse(process.env.PLAN));
  process.on('message', async () => {
    await stop();
    process.exit(0);
  });
  process.send('running');
}
void run();
