import type { PaymentsPart } from '../payments-part.providers';
import { PayoutNetworks } from './payout-networks.service';
import { SignInExtension } from './sign-in.extension';
import { SignIns } from './sign-ins.service';
import { WalletAccess } from './wallet-access.service';
import { WalletBalances } from './wallet-balances.service';
import { WalletController } from './wallet.controller';
import { WalletScheme } from './wallet.scheme';
import { WithdrawalBooks } from './withdrawal-books.service';
import { WithdrawalFees } from './withdrawal-fees.service';
import { WithdrawalPayout } from './withdrawal-payout.service';
import { WithdrawalSettlement } from './withdrawal-settlement.service';
import { WithdrawalStore } from './withdrawal-store.service';
import { WithdrawalsController } from './withdrawals.controller';
import { WithdrawalsService } from './withdrawals.service';

export const WALLET: PaymentsPart = {
  schemes: [WalletScheme],
  extensions: [SignInExtension],
  providers: [
    PayoutNetworks,
    SignIns,
    WalletAccess,
    WalletBalances,
    WithdrawalBooks,
    WithdrawalFees,
    WithdrawalPayout,
    WithdrawalSettlement,
    WithdrawalStore,
    WithdrawalsService,
  ],
  controllers: [WalletController, WithdrawalsController],
};
