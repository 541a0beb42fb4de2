/**
 * A refusal in the shape of OpenAI's API: `{error:{message,type,param,code}}`.
 * Thrown by the endpoints while they read a request; the simulator turns it into the response.
 */
export class UpstreamError extends Error {
  override readonly name = 'UpstreamError';

  constructor(
    readonly status: number,
    message: string,
    readonly param: string | null = null,
    readonly code: string | null = null,
  ) {
    super(message);
  }

  /** The response body, serialised. */
  toBody(): string {
    return errorBody(this.status, this.message, this.param, this.code);
  }
}

/** Serialises one OpenAI error body; `type` follows from the status as it does there. */
export function errorBody(
  status: number,
  message: string,
  param: string | null = null,
  code: string | null = null,
): string {
  return JSON.stringify({ error: { message, type: errorType(status), param, code } });
}

function errorType(status: number): string {
  if (status === 429) return 'requests';
  if (status >= 500) return 'server_error';
  return 'invalid_request_error';
}
