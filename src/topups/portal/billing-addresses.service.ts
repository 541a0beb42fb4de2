import { Inject, Injectable } from '@nestjs/common';
import { CONFIG } from '../../config/config.module';
import type { Config } from '../../config/config';
import { PageLinks } from '../../customers/page-links.service';
import { publicUrlOf } from '../public-url';
import type { Done } from './billing-account';

const PAGE = 'billing';

/** Where the page of a customer is. The token in its address is all that its forms need: nobody else can know it. */
@Injectable()
export class BillingAddresses {
  constructor(
    private readonly links: PageLinks,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** A page for whoever is given its address, for 15 minutes. */
  issue(customerId: string): { readonly url: string; readonly expiresAt: Date } {
    const { token, expiresAt } = this.links.issue(PAGE, customerId);
    return { url: this.urlOf(token), expiresAt };
  }

  /** Whose page it is. @throws PageLinkError */
  open(token: string): { readonly customerId: string; readonly expiresAt: Date } {
    const { subject, expiresAt } = this.links.open(PAGE, token);
    return { customerId: subject, expiresAt };
  }

  /** For whoever comes from elsewhere. */
  urlOf(token: string, done?: Done): string {
    return `${publicUrlOf(this.config)}/${PAGE}/${token}${done === undefined ? '' : `?done=${done}`}`;
  }

  /** For the page's own links, whatever name of this server the browser used. */
  pathOf(token: string, done?: Done): string {
    const { pathname, search } = new URL(this.urlOf(token, done));
    return `${pathname}${search}`;
  }
}
