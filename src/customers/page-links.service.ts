import { Inject, Injectable } from '@nestjs/common';
import { BillingError } from '../common/billing-error';
import type { Config } from '../config/config';
import { CONFIG } from '../config/config.module';
import { LINK_SECONDS, type PageLink, readLink, sealLink } from './page-link';

/** Links to pages for people who have no key: who may see a page is given one, and it ends by itself. */
@Injectable()
export class PageLinks {
  constructor(@Inject(CONFIG) private readonly config: Config) {}

  /** The text to put into the address of `page`, so that it shows `subject` for 15 minutes. */
  issue(page: string, subject: string): { readonly token: string; readonly expiresAt: Date } {
    const expiresAt = new Date((Math.floor(Date.now() / 1000) + LINK_SECONDS) * 1000);
    return { token: sealLink({ page, subject, expiresAt }, this.config.apiKeyPepper), expiresAt };
  }

  /** What a link opens. @throws PageLinkError `link_unknown` (404), `link_expired` (410) */
  open(page: string, token: string): PageLink {
    const link = readLink(token, page, this.config.apiKeyPepper);
    if (!link) throw new PageLinkError('link_unknown');
    if (link.expiresAt.getTime() <= Date.now()) throw new PageLinkError('link_expired');
    return link;
  }
}

/** A link that opens nothing: never did (404), or does not any more (410). */
export class PageLinkError extends BillingError {
  constructor(code: 'link_unknown' | 'link_expired') {
    const expired = code === 'link_expired';
    super({
      code,
      status: expired ? 410 : 404,
      title: expired ? 'This link has expired' : 'This link opens nothing',
      detail: expired ? 'A link to this page works for 15 minutes.' : 'It may have been cut off when it was copied.',
      hint: 'Ask for a new one where you got this one. What you have done so far stays done.',
    });
  }
}
