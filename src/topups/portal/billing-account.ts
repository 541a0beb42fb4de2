import type { PastGrant } from '../../credits/grant-history.service';
import type { AssetBalance } from '../balances.service';
import type { SavedCard } from '../cards/saved-card';
import type { AutoReloadRule } from '../reload/auto-reload';
import type { ReloadAttempt } from '../reload/reload-attempt';
import type { TopUp } from '../topup';
import type { ReloadFaults, TypedReload } from './reload-form';

/** What a customer sees of its money, as of now. */
export interface BillingAccount {
  readonly name: string;
  readonly balance: { readonly usd: AssetBalance; readonly usdc?: AssetBalance };
  /** Of which something is left, in the order of use. */
  readonly grants: readonly PastGrant[];
  /** `not_taken`: this server takes no cards. `unavailable`: Stripe cannot be asked now. */
  readonly cards: readonly SavedCard[] | 'not_taken' | 'unavailable';
  readonly rule: AutoReloadRule | undefined;
  /** The newest, newest first; so are the top-ups. */
  readonly attempts: readonly ReloadAttempt[];
  readonly topUps: readonly TopUp[];
}

/** Where the page is, and what has just been done on it. */
export interface BillingVisit {
  /** The page's own, from its host on; what is done on the page is below it. */
  readonly address: string;
  readonly expiresAt: Date;
  readonly done?: Done | undefined;
  /** A form that was sent and not accepted. */
  readonly refused?: { readonly typed: TypedReload; readonly faults: ReloadFaults };
}

export const DONE = {
  'card-saved': 'The card is saved.',
  'card-default': 'That card is charged from now on.',
  'card-removed': 'The card is removed.',
  'reload-on': 'Auto-reload is on.',
  'reload-paused': 'Auto-reload is paused. No new charge is started.',
  'reload-resumed': 'Auto-reload tries again.',
} as const;
export type Done = keyof typeof DONE;
