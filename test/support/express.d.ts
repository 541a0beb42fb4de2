/** As much of Express as tests use: it brings no types, and the stock x402 middleware is written for it. */
declare module 'express' {
  import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';

  export interface Request extends IncomingMessage {
    readonly params: Readonly<Record<string, string>>;
  }
  export interface Response extends ServerResponse {
    status(code: number): this;
    json(body: unknown): this;
  }
  export type NextFunction = () => void;
  export interface Application extends RequestListener {
    use(handler: (request: Request, response: Response, next: NextFunction) => Promise<void>): void;
    get(path: string, handler: (request: Request, response: Response) => void): void;
  }
  export default function express(): Application;
}
