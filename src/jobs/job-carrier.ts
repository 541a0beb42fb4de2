/** Injection token of the `JobCarrier`. */
export const JOB_CARRIER = Symbol('JOB_CARRIER');

/** Brings due jobs to the `JobRunner` of this process. It decides nothing: which job is whose is PostgreSQL's word. */
export interface JobCarrier {
  start(): void;
  /** From now on it brings nothing. Resolves when nothing is on its way to the runner any more. */
  pause(): Promise<void>;
  /** After the running jobs have ended. Lets go of connections, and never hangs. */
  close(): Promise<void>;
}
