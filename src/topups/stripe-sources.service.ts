import { Injectable } from '@nestjs/common';
import type { StripeEffect } from './stripe-events.service';

/** Asks Stripe for the present state of one object and returns what is left to be written; `undefined`: nothing. */
export type Converge = (id: string) => Promise<StripeEffect | undefined>;

/** Who brings our rows to the state of an object at Stripe, for those who know of it only by its id: `ch_…`, `re_…`. */
@Injectable()
export class StripeSources {
  private readonly known = new Map<string, Converge>();

  /** Called in `onModuleInit`. `prefixes` of ids, such as `ch`. @throws Error when another part has taken one of them */
  register(prefixes: readonly string[], converge: Converge): void {
    for (const prefix of prefixes) {
      if (this.known.has(prefix))
        throw new Error(`Two parts converge objects at Stripe whose ids begin with ${prefix}_.`);
      this.known.set(prefix, converge);
    }
  }

  /** `undefined` when nobody knows such objects, or nothing is to be written. @throws whatever asking Stripe throws */
  async converge(id: string): Promise<StripeEffect | undefined> {
    return this.known.get(id.split('_', 1)[0] ?? '')?.(id);
  }
}
