import Table from 'cli-table3';

/** What a chain's gas costs. The defaults are Base's own: its least base fee, and the rate its documentation counts with. */
export interface GasPrice {
  readonly gwei: number;
  readonly usdPerCoin: number;
}

export const GAS_PRICE_FLAGS = {
  'gas-price-gwei': { type: 'string', default: '0.005' },
  'usd-per-coin': { type: 'string', default: '2000' },
} as const;

/** Gas of one settlement, by its kind; `null` where a run had none. A channel's is all that it ever costs. */
export interface GasReport {
  readonly exactAlone: number | null;
  readonly exactBatched: number | null;
  readonly upto: number | null;
  /** A first deposit in a transaction of its own, and beside others. */
  readonly depositAlone: number | null;
  readonly depositBatched: number | null;
  /** A channel's share of a transaction that claims and pays out. */
  readonly claim: number | null;
}

/** What every call of these figures is taken to cost, in USD. */
const CALL_USD = 0.001;
const CALLS_A_CHANNEL = [10, 100, 1000] as const;

/** The gas per call of every scheme, and its cost as a share of a $0.001 call. A channel: one deposit, alone, and one claim. */
export function networkFees(gas: GasReport, price: GasPrice) {
  const { depositAlone, depositBatched, claim } = gas;
  const channel = (deposit: number | null) => (deposit === null || claim === null ? null : deposit + claim);
  const rows: [string, number | null][] = [
    ['exactAlone', gas.exactAlone],
    ['exactBatched', gas.exactBatched],
    ['upto', gas.upto],
    ...CALLS_A_CHANNEL.map((calls): [string, number | null] => [
      `channel${calls}`,
      perCall(channel(depositAlone), calls),
    ]),
    ['channel1000DepositsShared', perCall(channel(depositBatched), 1000)],
    ['channel1000ClaimAlone', perCall(claim, 1000)],
  ];
  const usdPerGas = price.gwei * 1e-9 * price.usdPerCoin;
  const shareOf = (perCallGas: number | null) => (perCallGas === null ? null : (perCallGas * usdPerGas) / CALL_USD);
  const title = `gas at ${price.gwei} gwei, $${price.usdPerCoin} a coin`;
  const table = new Table({ head: [title, 'gas per call', 'USD per call', `share of $${CALL_USD}`] });
  for (const [name, used] of rows) {
    const share = shareOf(used);
    table.push([name, used ?? '-', share === null ? '-' : (share * CALL_USD).toExponential(2), percent(share)]);
  }
  process.stdout.write(`${table.toString()}\n`);
  const whole = channel(depositAlone);
  return {
    gasPrice: price,
    gasPerCall: Object.fromEntries(rows),
    feeShares: Object.fromEntries(rows.map(([name, used]) => [name, shareOf(used)])),
    feeShare: shareOf(perCall(whole, 1000)),
    /** Up to this gas price the share at 1000 calls a channel is below 0.1 %. */
    feeShareHoldsUpToGwei: whole === null ? null : (0.001 * CALL_USD * 1000) / (whole * 1e-9 * price.usdPerCoin),
  };
}

const perCall = (gas: number | null, calls: number): number | null => (gas === null ? null : gas / calls);
const percent = (share: number | null): string => (share === null ? '-' : `${(share * 100).toPrecision(3)} %`);
