import type { Provider, Type } from '@nestjs/common';

/** What one folder adds to the top-ups module. */
export interface TopUpsPart {
  readonly providers?: readonly Provider[];
  readonly controllers?: readonly Type[];
  readonly exports?: readonly Type[];
}
