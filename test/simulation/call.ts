/** A message to one of the gateway's listeners, and what comes back. */
import type { Arrival, HeaderLine, Reply } from "../../src/common/message.ts";

export type Call = {
  readonly to: "clients" | "callbacks";
  readonly id: string;
  readonly method: string;
  readonly target: string;
  readonly source: string;
  readonly body: string;
  readonly headers?: readonly HeaderLine[];
  /** The client of the certificate that is shown. */
  readonly as?: string;
  readonly gone?: AbortSignal;
};

export type How = "replied" | "refused" | "cut";

/** Undefined: the connection was refused, or ended without a reply. */
export type Replied = (reply: Reply | undefined, how: How) => void;

const never = new AbortController().signal;

export const arrivalOf = (
  { to, id, method, target, source, body, headers = [], as, gone = never }: Call,
  at: number,
): Arrival => ({
  id,
  at,
  method,
  target,
  source,
  headers,
  gone,
  listener: to,
  ...(as !== undefined && { peer: { names: [`${as}.sim`], thumbprint: `certificate-of-${as}`, authorities: [] } }),
  body: () => Promise.resolve(Buffer.from(body)),
  surplus: () => Promise.resolve(false),
});
