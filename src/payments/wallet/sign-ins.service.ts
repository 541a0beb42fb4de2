import { Inject, Injectable } from '@nestjs/common';
import { CONFIG } from '../../config/config.module';
import type { Config } from '../../config/config';
import { DatabaseService } from '../../database/database.service';
import { NetworksService } from '../chain/networks.service';
import type { Refusal } from '../refusal';
import { isMessageSignedBy } from '../signed-message';
import { type SignIn, signInFault } from './sign-in';
import { issueChallenge } from './sign-in-challenge';

/** What stands under `sign-in-with-x` in a 402: the challenge, and whose signatures are taken. */
export interface SignInDeclaration {
  readonly info: Readonly<Record<string, unknown>>;
  readonly supportedChains: readonly { readonly chainId: string; readonly type: 'eip191' }[];
}

/** SIGN-IN-WITH-X (CAIP-122): challenges for wallets, and whether a signed one is good. */
@Injectable()
export class SignIns {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly networks: NetworksService,
    private readonly database: DatabaseService,
  ) {}

  /** Whether a wallet can be known here at all. */
  get offered(): boolean {
    return this.networks.all().length > 0;
  }

  declarationFor(url: string): SignInDeclaration {
    return {
      info: { ...issueChallenge(url, this.config.apiKeyPepper) },
      supportedChains: this.networks.all().map(({ id }) => ({ chainId: id, type: 'eip191' })),
    };
  }

  /** Why it is not good for this URL; `undefined` when it is. Its nonce is claimed by whoever acts on it. */
  faultOf(signIn: SignIn, url: string, repeated = false): Promise<Refusal | undefined> {
    const network = this.networks.find(signIn.message.chainId);
    return signInFault(
      signIn,
      { url, known: network !== undefined, repeated, key: this.config.apiKeyPepper },
      async (address, text, signature) =>
        network !== undefined && isMessageSignedBy(network.reader, address, text, signature),
    );
  }

  /** The customer behind a wallet; `undefined` when it never paid here. */
  async customerOf(address: string): Promise<string | undefined> {
    const [customer] = await this.database.query<{ id: string }>('SELECT id FROM customers WHERE wallet_address = $1', [
      address,
    ]);
    return customer?.id;
  }
}

/** A nonce is used once for ever, by one wallet for one request. */
export const nonceKey = ({ address, message }: SignIn): string => `siwx:${address}:${message.nonce}`;
