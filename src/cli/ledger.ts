import { LedgerVerifyService } from '../ledger/ledger-verify.service';
import type { VerificationReport } from '../ledger/verification';
import { withApplication } from './application-context';
import { type Command, CommandError } from './command';
import { JSON_OPTION, printJson, printLine } from './output';

/** `tollbridge ledger verify` */
export const verifyLedger: Command = {
  options: { json: JSON_OPTION },
  notes: ['Exit code 1 when the books are not in order. Reads one snapshot, while calls go on.'],
  run: (given) =>
    withApplication(async (app) => {
      const isTerminal = process.stderr.isTTY && !given.flag('json');
      const report = await app.get(LedgerVerifyService).verify(({ step, done, total }) => {
        if (isTerminal) process.stderr.write(`\r\u001B[K${done} of ${total}: ${step}`);
      });
      if (isTerminal) process.stderr.write('\r\u001B[K');
      if (given.flag('json')) printJson(report);
      else printReport(report);
      const broken = report.checks.filter(({ ok }) => !ok).map(({ name }) => name);
      if (broken.length > 0) throw new CommandError(`The books are not in order: ${broken.join(', ')}.`);
    }),
};

function printReport({ takenAt, checks }: VerificationReport): void {
  printLine(`The books at ${takenAt}`);
  for (const { ok, claim, checked, faults } of checks) {
    printLine(`  ${ok ? 'holds ' : 'BROKEN'}  ${claim} (${checked})`);
    for (const { subject, expected, found } of faults) {
      printLine(`            ${subject}: expected ${expected}, found ${found}`);
    }
  }
}
