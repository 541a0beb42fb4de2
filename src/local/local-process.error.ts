export type LocalProcessCode =
  'package_missing' | 'already_running' | 'leftover_survives' | 'port_taken' | 'did_not_start' | 'did_not_become_ready';

/** A part of the local world could not be started. `hint` says what the reader can do about it. */
export class LocalProcessError extends Error {
  override readonly name = 'LocalProcessError';

  constructor(
    readonly code: LocalProcessCode,
    sentence: string,
    readonly hint: string,
  ) {
    super(`${sentence} ${hint}`);
  }
}
