/**
 * An error that a caller may see: built from data, with a stable snake_case `code`, a sentence and a hint
 * about what to do next. `problem.filter.ts` turns it into `application/problem+json` (RFC 9457).
 */
export class BillingError extends Error {
  readonly code: string;
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  readonly hint: string | undefined;
  /** Response headers that belong to this error, such as `Retry-After`. */
  readonly headers: Readonly<Record<string, string>>;
  /** Further members of the problem document. Never internal facts. */
  readonly members: Readonly<Record<string, unknown>>;

  constructor(data: BillingErrorData) {
    super(data.detail, data.cause === undefined ? undefined : { cause: data.cause });
    this.name = new.target.name;
    this.code = data.code;
    this.status = data.status;
    this.title = data.title;
    this.detail = data.detail;
    this.hint = data.hint;
    this.headers = data.headers ?? {};
    this.members = data.members ?? {};
  }

  /** The RFC 9457 document. */
  toProblem(): Record<string, unknown> {
    return {
      type: `urn:tollbridge:problem:${this.code}`,
      title: this.title,
      status: this.status,
      code: this.code,
      detail: this.detail,
      ...(this.hint === undefined ? {} : { hint: this.hint }),
      ...this.members,
    };
  }
}

export interface BillingErrorData {
  code: string;
  status: number;
  title: string;
  detail: string;
  hint?: string | undefined;
  headers?: Record<string, string>;
  members?: Record<string, unknown>;
  cause?: unknown;
}

/** A request that cannot be read or is not allowed: 400 unless said otherwise. */
export class InvalidRequestError extends BillingError {
  constructor(data: {
    code: string;
    detail: string;
    hint?: string;
    status?: number;
    members?: Record<string, unknown>;
  }) {
    super({ status: 400, title: 'The request cannot be accepted', ...data });
  }
}

export class NotFoundError extends BillingError {
  constructor(data: { what: string; id: string; hint?: string; code?: string; members?: Record<string, unknown> }) {
    super({
      code: data.code ?? `${data.what.replace(/ /g, '_')}_not_found`,
      status: 404,
      title: 'Not found',
      detail: `There is no ${data.what} "${data.id.slice(0, 100)}".`,
      hint: data.hint,
      ...(data.members === undefined ? {} : { members: data.members }),
    });
  }
}
