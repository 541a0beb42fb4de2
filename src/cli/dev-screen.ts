import { ConsoleLogger, type LoggerService } from '@nestjs/common';
import type { Part } from '../local/stack';
import { tableOf } from './output';
import type { StackFile } from './stack-file';

/** What `dev` tells its reader. */
export class Screen {
  private readonly began = performance.now();
  private isReady = false;

  line(text: string): void {
    process.stdout.write(`${text}\n`);
  }

  /** What a part says is of interest while it starts; later it has its log file. */
  note(text: string): void {
    if (!this.isReady) this.line(`    ${text}`);
  }

  part({ name, milliseconds, variable }: Part): void {
    this.line(milliseconds === null ? `  ${name}: yours, by ${variable}` : `  ${name} (${seconds(milliseconds)})`);
  }

  async step<Result>(name: string, work: () => Promise<Result>): Promise<Result> {
    const began = performance.now();
    const result = await work();
    this.line(`  ${name} (${seconds(performance.now() - began)})`);
    return result;
  }

  /** The server is quiet unless something is wrong. */
  logger(): LoggerService {
    return new ConsoleLogger({ logLevels: ['warn', 'error', 'fatal'] });
  }

  ready(stack: StackFile, payerAddress: string | undefined): void {
    this.isReady = true;
    const { url, apiKey, adminToken, stripe, rpcUrl, chainId, upstreamUrl, databaseUrl } = stack;
    const rows = [
      ['API', url],
      ['docs', `${url}/docs`],
      ['Stripe', stripe?.url ?? 'as configured'],
      ['chain RPC', rpcUrl === null ? 'none' : `${rpcUrl} (chain ${chainId})`],
      ['upstream', upstreamUrl],
      ['database', databaseUrl],
      ['API key', `${apiKey} (customer Acme, prepaid)`],
      ['operator token', adminToken],
      ...(payerAddress === undefined ? [] : [['payer wallet', `${payerAddress} (test USDC, any x402 client)`]]),
    ];
    this.line(`\nReady in ${seconds(performance.now() - this.began)}. Ctrl-C stops everything.\n`);
    this.line(tableOf([], rows));
    this.line(`\n${TRY.map((text) => text.replaceAll('$URL', url).replaceAll('$KEY', apiKey)).join('\n')}\n`);
  }
}

const JSON_HEADERS = `-H 'authorization: Bearer $KEY' -H 'content-type: application/json'`;
const TRY = [
  'Top up $5: open the "url" of the answer, card 4242 4242 4242 4242',
  `  curl -s $URL/v1/topups ${JSON_HEADERS} -d '{"amountCents":500}'`,
  'Make a paid call',
  `  curl -si $URL/v1/chat/completions ${JSON_HEADERS} -d '{"model":"gpt-4o-mini","messages":[{"role":"user","content":"Hello"}]}'`,
  'See both done, and the same paid in USDC by an x402 client',
  '  npm run demo',
];

const seconds = (milliseconds: number): string => `${(milliseconds / 1000).toFixed(1)} s`;
