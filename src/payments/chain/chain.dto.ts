import { ApiProperty } from '@nestjs/swagger';
import type { CircuitState } from '../../evm/circuit';
import { type Implementation, IMPLEMENTATIONS } from '../../evm/secp256k1';
import type { NetworkStatus } from '../chain-status.service';

class CircuitDto {
  @ApiProperty({ example: 'closed', enum: ['closed', 'suspect', 'open', 'half_open'] })
  state!: CircuitState;

  @ApiProperty({ example: '2026-01-01T00:00:00.000Z' })
  since!: string;
}

class NodeDto {
  @ApiProperty({ example: 'mainnet.base.org', description: 'The host alone: a URL may have a key in it.' })
  host!: string;

  @ApiProperty({ example: '28123456', nullable: true, type: String, description: '`null` when it does not answer.' })
  block!: string | null;
}

class SignerDto {
  @ApiProperty({ example: '0xf39f…' })
  address!: string;

  @ApiProperty({ example: '1204', nullable: true, type: String, description: '`null` when it has sent nothing yet.' })
  nextNonce!: string | null;

  @ApiProperty({ example: 2, description: 'Transactions that are sent and not final.' })
  inFlight!: number;

  @ApiProperty({ example: '0.084', nullable: true, type: String, description: "In the chain's coin." })
  gas!: string | null;

  @ApiProperty({ example: false, description: 'It has less than EVM_GAS_ALARM_COINS.' })
  isLow!: boolean;
}

class AlarmDto {
  @ApiProperty({ example: 'gas_low', enum: ['chain_unavailable', 'node_away', 'gas_low'] })
  code!: string;

  @ApiProperty({ example: '0xf39f… has less than 0.01.' })
  detail!: string;
}

class NetworkStatusDto {
  @ApiProperty({ example: 'eip155:8453' })
  network!: string;

  @ApiProperty({ example: '0x7099…' })
  payTo!: string;

  @ApiProperty({ example: '0x8335…' })
  asset!: string;

  @ApiProperty({ example: 1 })
  confirmations!: number;

  @ApiProperty({ description: 'While it is open or half_open, nothing is offered on this network.' })
  circuit!: CircuitDto;

  @ApiProperty({ example: 'mainnet.base.org', description: 'The node that is asked now.' })
  node!: string;

  @ApiProperty({ type: [NodeDto] })
  nodes!: NodeDto[];

  @ApiProperty({ type: [SignerDto] })
  signers!: SignerDto[];

  @ApiProperty({ type: [AlarmDto] })
  alarms!: AlarmDto[];
}

export class ChainStatusDto {
  @ApiProperty({
    example: 'native',
    enum: Object.keys(IMPLEMENTATIONS),
    description: 'What this process judges signatures with: libsecp256k1, the same in WASM, or JavaScript.',
  })
  secp256k1!: Implementation;

  @ApiProperty({ type: [NetworkStatusDto] })
  networks!: NetworkStatusDto[];
}

export const toNetworkStatusDto = ({ circuit, nodes, signers, alarms, ...rest }: NetworkStatus): NetworkStatusDto => ({
  ...rest,
  circuit: { state: circuit.state, since: circuit.since.toISOString() },
  nodes: nodes.map(({ host, block }) => ({ host, block: block?.toString() ?? null })),
  signers: signers.map((signer) => ({ ...signer, nextNonce: signer.nextNonce?.toString() ?? null })),
  alarms: [...alarms],
});
