import { exactBench } from './exact';
import { gatewayBench } from './gateway';
import { ledgerBench } from './ledger';

/** `npm run bench -- <name>`: each bench runs its baseline in the same run and prints one JSON object last. */
const BENCHES: Readonly<Record<string, { run: (args: readonly string[]) => Promise<object>; about: string }>> = {
  gateway: { run: gatewayBench, about: 'paid credit calls against the bare upstream and the Portkey gateway' },
  exact: { run: exactBench, about: 'calls paid by x402 exact, settlement included, against @x402/express' },
  ledger: { run: ledgerBench, about: "posts and hold+capture pairs against pgbench's TPC-B (--help)" },
};

const HELP = `Usage: npm run bench -- <name> [--rounds N] [--seconds N]

${Object.entries(BENCHES)
  .map(([name, { about }]) => `  ${name.padEnd(10)} ${about}`)
  .join('\n')}
`;

async function main([name = '--help', ...args]: readonly string[]): Promise<void> {
  const bench = BENCHES[name];
  if (!bench) {
    process.stdout.write(HELP);
    process.exitCode = name === '--help' ? 0 : 2;
    return;
  }
  process.stdout.write(`${JSON.stringify(await bench.run(args))}\n`);
}

main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  process.exitCode = 1;
});
