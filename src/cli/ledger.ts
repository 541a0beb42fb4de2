import { parseHead } from '../ledger/chain-head';
import { LedgerVerifyService } from '../ledger/ledger-verify.service';
import type { VerificationReport } from '../ledger/verification';
import { withApplication } from './application-context';
import { type Command, CommandError } from './command';
import { JSON_OPTION, printJson, printLine } from './output';
import { Progress } from './progress';

/** `tollbridge ledger verify` */
export const verifyLedger: Command = {
  options: {
    head: {
      value: 'SEQ:HASH',
      about: 'A ledgerHead of an old manifest: it must still be in the chain',
      multiple: true,
    },
    resume: { about: 'Go on with an interrupted run of the last day; so it does when left out, too' },
    restart: { about: 'Begin with the first entry' },
    json: JSON_OPTION,
  },
  notes: [
    'Exit code 1 when the books are not in order. Calls go on meanwhile.',
    'Interrupted at any moment, it goes on where it was. Several may run at once.',
  ],
  run: async (given) => {
    const heads = given.all('head').map(parseHead);
    const restart = given.flag('restart') && !given.flag('resume');
    await withApplication(async (app) => {
      const progress = new Progress();
      const report = await app.get(LedgerVerifyService).verify({
        ...{ heads, restart },
        onProgress: ({ step, done, total, entries }) => {
          if (!given.flag('json')) progress.show({ step, done, total, counted: entries, unit: 'entries' });
        },
      });
      if (given.flag('json')) printJson(report);
      else {
        progress.end();
        printReport(report);
      }
      const broken = report.checks.filter(({ ok }) => !ok).map(({ name }) => name);
      if (broken.length > 0) throw new CommandError(`The books are not in order: ${broken.join(', ')}.`);
    });
  },
};

function printReport({ takenAt, head, resumedAt, checks }: VerificationReport): void {
  printLine(`The books at ${takenAt}`);
  if (resumedAt !== null)
    printLine(`  went on from link ${resumedAt}, where an interrupted run was (--restart begins anew)`);
  for (const { ok, claim, remedy, checked, faults } of checks) {
    printLine(`  ${ok ? 'holds ' : 'BROKEN'}  ${claim} (${checked})`);
    for (const { subject, expected, found } of faults) {
      printLine(`            ${subject}: expected ${expected}, found ${found}`);
    }
    if (!ok) printLine(`          > ${remedy}`);
  }
  if (head !== null) printLine(`Head of the chain: ${head.seq}:${head.hash}`);
}
