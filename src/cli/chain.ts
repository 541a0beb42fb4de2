import { ChainStatus } from '../payments/chain-status.service';
import { withApplication } from './application-context';
import type { Command } from './command';
import { JSON_OPTION, printJson, printLine, printRows } from './output';

/** `tollbridge chain` */
export const showChains: Command = {
  options: { json: JSON_OPTION },
  notes: [
    'Asks the nodes now. What a running server has made of them, its circuit breaker, is at GET /admin/chain of that server.',
  ],
  run: (given) =>
    withApplication(async (app) => {
      const networks = await app.get(ChainStatus, { strict: false }).all();
      if (given.flag('json')) return printJson(networks);
      const nodes = networks.flatMap(({ network, nodes: all }) => all.map(({ host, block }) => [network, host, block]));
      printRows(given, ['NETWORK', 'NODE', 'BLOCK'], nodes, []);
      const signers = networks.flatMap(({ network, signers: all }) =>
        all.map((one) => [network, one.address, one.nextNonce, one.inFlight, one.gas, one.isLow ? 'low' : '']),
      );
      printRows(given, ['NETWORK', 'WALLET', 'NEXT NONCE', 'IN FLIGHT', 'GAS MONEY', ''], signers, []);
      for (const { alarms } of networks) for (const { code, detail } of alarms) printLine(`ALARM ${code}: ${detail}`);
    }),
};
