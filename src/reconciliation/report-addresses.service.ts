import { Inject, Injectable } from '@nestjs/common';
import { CONFIG } from '../config/config.module';
import type { Config } from '../config/config';
import { PageLinks } from '../customers/page-links.service';
import { publicUrlOf } from '../topups/public-url';

const PAGE = 'reconciliation';

/** Where the report can be read without the operator's token, which a browser cannot send. */
@Injectable()
export class ReportAddresses {
  constructor(
    private readonly links: PageLinks,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** The report as it is whenever it is looked at, for whoever is given the address, for 15 minutes. It can only be read. */
  issue(): { readonly url: string; readonly expiresAt: Date } {
    const { token, expiresAt } = this.links.issue(PAGE, 'report');
    return { url: `${publicUrlOf(this.config)}/${PAGE}/${token}`, expiresAt };
  }

  /** Until when a link works. @throws PageLinkError */
  open(token: string): Date {
    return this.links.open(PAGE, token).expiresAt;
  }
}
