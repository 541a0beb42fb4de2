/** Something that a customer, or the operator (`customerId` null), should know. */
export interface Notification {
  readonly id: string;
  readonly customerId: string | null;
  /** Snake case, such as `reload_failed`: what a program decides by. */
  readonly kind: string;
  /** Facts of that kind; money as plain decimals. */
  readonly data: Readonly<Record<string, unknown>>;
  /** Where to go for what is to be done. */
  readonly url: string | null;
  readonly createdAt: Date;
  readonly readAt: Date | null;
}

export interface NewNotification extends Pick<Notification, 'customerId' | 'kind' | 'data'> {
  /** The same key is told once: name the fact, such as `low-balance:<customer>:<threshold>:<crossing>`. */
  readonly key: string;
  readonly url?: string;
}
