import { type Command, CommandError } from './command';
import { payByAttestation, payInUsdc, payWithCredit, type Shown } from './demo-rails';
import { DemoClient } from './demo-client';
import { loadDotEnv, localDirectory } from './environment';
import { printLine, tableOf } from './output';
import { readRunningStack, type StackFile } from './stack-file';

/** `tollbridge demo` */
export const demo: Command = {
  notes: ['Uses the stack that `npm start` runs, through its public HTTP interface only.'],
  run: async () => {
    loadDotEnv();
    const stack = readRunningStack(localDirectory());
    if (!stack) {
      throw new CommandError('No local stack runs here (or it is still starting). Start one with npm start.');
    }
    const calls = [...(await creditRail(stack)), ...(await attestationRail(stack)), ...(await usdcRail(stack))];
    await showInvoices(stack, calls);
  },
};

async function creditRail(stack: StackFile): Promise<Shown[]> {
  printLine('Prepaid credit, by API key');
  const { topUp, calls } = await payWithCredit(stack);
  printLine(`  ${topUp}`);
  for (const call of calls) show(call);
  return calls;
}

async function attestationRail(stack: StackFile): Promise<Shown[]> {
  printLine('\nPrepaid credit through HTTP 402, by an x402 client with our scheme (experimental)');
  const calls = await payByAttestation(stack);
  for (const call of calls) show(call);
  return calls;
}

async function usdcRail(stack: StackFile): Promise<Shown[]> {
  printLine(
    '\nUSDC by a wallet: through HTTP 402, by x402 clients with their default settings, and by a plain transfer',
  );
  if (stack.payerPrivateKey === null || stack.rpcUrl === null) {
    printLine('  left out: this stack has no wallet with test USDC');
    return [];
  }
  const calls = await payInUsdc(stack, { privateKey: stack.payerPrivateKey, rpcUrl: stack.rpcUrl });
  for (const call of calls) show(call);
  return calls;
}

function show(call: Shown): void {
  printLine(`  ${call.title}: “${call.words}”`);
  printLine(`    cost $${call.cost}${call.balance === undefined ? '' : `, balance $${call.balance}`}`);
  if (call.transaction !== undefined) printLine(`    transaction ${call.transaction}`);
  printLine(`    invoice ${call.invoiceUrl}`);
}

async function showInvoices(stack: StackFile, calls: readonly Shown[]): Promise<void> {
  printLine('\nInvoices');
  const client = new DemoClient(stack.url);
  const invoices = await Promise.all(calls.map((call) => client.json<InvoiceView>('GET', call.invoiceUrl)));
  const rows = invoices.map((one) => [
    ...[one.id, one.rail, one.model, `${one.amount} ${one.asset}`],
    one.lines.map(({ meter, quantity }) => `${quantity} ${meter}`).join(', '),
  ]);
  printLine(tableOf(['INVOICE', 'RAIL', 'MODEL', 'AMOUNT', 'USAGE'], rows));
}

interface InvoiceView {
  readonly id: string;
  readonly rail: string;
  readonly model: string;
  readonly amount: string;
  readonly asset: string;
  readonly lines: readonly { meter: string; quantity: string }[];
}
