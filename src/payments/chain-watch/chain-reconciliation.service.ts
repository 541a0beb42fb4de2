import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import type { ReconciliationSide, SideReport } from '../../common/reconciliation-side';
import { JobsService } from '../../jobs/jobs.service';
import { type ChainNetwork, NetworksService } from '../chain/networks.service';
import { inSuspense } from './chain-finding';
import { ChainReader, type ReadSoFar } from './chain-reader.service';
import { ChainReport, type NetworkReport } from './chain-report.service';
import { OurAddresses } from './our-addresses.service';
import { WatchedBooks } from './watched-books.service';

const WATCH_SECONDS = 60;
/** Of one visit to each network: a long way is gone in many. */
const MOST_CHUNKS = 200;

/** The chains against the books: every transfer to and from our addresses has its entry, every entry its transfer. */
@Injectable()
export class ChainReconciliation implements ReconciliationSide, OnModuleInit {
  readonly name = 'chain';
  private readonly logger = new Logger('ChainReconciliation');

  constructor(
    private readonly jobs: JobsService,
    private readonly networks: NetworksService,
    private readonly addresses: OurAddresses,
    private readonly reader: ChainReader,
    private readonly books: WatchedBooks,
    private readonly report: ChainReport,
  ) {}

  onModuleInit(): void {
    if (this.networks.all().length === 0) return;
    this.jobs.register({ name: 'watch-chain', everySeconds: WATCH_SECONDS, run: () => this.watch() });
  }

  /** Goes on a good way on each network, so that a reconciliation has little left to read. */
  async watch(): Promise<void> {
    for (const network of this.networks.all()) {
      await this.advance(network, await this.addresses.of(network), MOST_CHUNKS).catch((error: unknown) =>
        this.logger.warn(`${network.id} is not read: ${String(error).split('\n')[0]}`),
      );
    }
  }

  /** @throws Error when the books have USDC on a network that is not configured */
  async isConfigured(): Promise<boolean> {
    const configured = this.networks.all().map(({ id }) => id);
    const stranded = await this.report.otherThan(configured);
    if (stranded.length > 0) {
      throw new Error(`The books have USDC on networks that are not configured: ${stranded.join(', ')}.`);
    }
    return configured.length > 0;
  }

  /** Reads on to the newest final block, whatever the window: what does not match now is of any age. */
  async reconcile(_window: unknown, tell: (progress: string) => void): Promise<SideReport> {
    const reports: NetworkReport[] = [];
    for (const network of this.networks.all()) {
      const addresses = await this.addresses.of(network);
      const { block } = await this.advance(network, addresses, Infinity, tell);
      reports.push(await this.report.of(network, addresses, block));
    }
    const sum = (name: keyof NetworkReport['counts']) => reports.reduce((all, { counts }) => all + counts[name], 0);
    const findings = reports.flatMap((report) => report.findings);
    return {
      counts: { transfers: sum('transfers'), entries: sum('entries'), waiting: sum('waiting') },
      balances: [...reports.map(({ balance }) => balance), inSuspense(findings)],
      findings,
    };
  }

  /** The books are read before the chain and after it: what is on them in between is on the chain already. */
  private async advance(
    network: ChainNetwork,
    addresses: readonly string[],
    mostChunks: number,
    tell: (progress: string) => void = () => undefined,
  ): Promise<ReadSoFar> {
    await this.books.read(network.id, addresses);
    const read = await this.reader.read(network, addresses, { mostChunks, tell });
    await this.books.match(network.id, addresses);
    if (!read.isDone) return read;
    await this.reader.dateOpenTransfers(network);
    await this.books.suspend(network.id, addresses);
    return read;
  }
}
