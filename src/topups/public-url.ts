import type { Config } from '../config/config';

/** Where people reach this server, without a slash at the end. */
export const publicUrlOf = ({ http: { publicUrl, host, port } }: Config): string =>
  publicUrl ?? `http://${host}:${port}`;
