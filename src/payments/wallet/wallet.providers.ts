import type { PaymentsPart } from '../payments-part.providers';
import { SignInExtension } from './sign-in.extension';
import { SignIns } from './sign-ins.service';
import { WalletAccess } from './wallet-access.service';
import { WalletBalances } from './wallet-balances.service';
import { WalletController } from './wallet.controller';
import { WalletScheme } from './wallet.scheme';

export const WALLET: PaymentsPart = {
  schemes: [WalletScheme],
  extensions: [SignInExtension],
  providers: [SignIns, WalletAccess, WalletBalances],
  controllers: [WalletController],
};
