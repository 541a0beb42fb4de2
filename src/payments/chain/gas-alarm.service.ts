import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { formatEther, type Hex } from 'viem';
import { JobsService } from '../../jobs/jobs.service';
import { type ChainNetwork, NetworksService } from './networks.service';

/** An alarm that nobody has seen to is repeated in the log. */
const REPEAT_MS = 3_600_000;

/** Says in the log, once an hour, which of our keys have too little gas money; `ALERT` is what to look for. */
@Injectable()
export class GasAlarm implements OnModuleInit {
  private readonly logger = new Logger('GasAlarm');
  private readonly saidAt = new Map<string, number>();

  constructor(
    private readonly jobs: JobsService,
    private readonly networks: NetworksService,
  ) {}

  onModuleInit(): void {
    if (!this.networks.all().some(({ addresses }) => addresses.length > 0)) return;
    this.jobs.register({ name: 'watch-gas', everySeconds: 30, run: () => this.watch() });
  }

  /** Of a chain that is silent nothing new is said. */
  async watch(): Promise<void> {
    const answering = this.networks
      .all()
      .filter(({ addresses, id }) => addresses.length > 0 && !this.networks.isAway(id));
    await Promise.all(answering.map((network) => this.watchOne(network)));
  }

  private async watchOne(network: ChainNetwork): Promise<void> {
    try {
      await network.gas.look();
    } catch (error) {
      this.logger.warn(`gas money on ${network.id} is unknown: ${String(error).split('\n')[0]}`);
      return;
    }
    for (const address of network.addresses) this.say(network, address);
  }

  private say({ id, gas, config }: ChainNetwork, address: Hex): void {
    const key = `${id} ${address}`;
    const said = this.saidAt.get(key);
    const has = formatEther(gas.of(address) ?? 0n);
    if (!gas.isLow(address)) {
      if (this.saidAt.delete(key)) this.logger.log(`${key} has gas money again: ${has}`);
      return;
    }
    if (said !== undefined && Date.now() - said < REPEAT_MS) return;
    this.saidAt.set(key, Date.now());
    this.logger.error(`ALERT gas_low: ${key} has ${has}, less than ${formatEther(config.gas.alarmWei)}`);
  }
}
