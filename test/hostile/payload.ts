/** One hostile message: its bytes, and what it may become at the most. */

export type Payload = {
  /** The collection it is from. */
  readonly family: string;
  readonly id: string;
  /** As they are written, one after the other. A payload that names a record names this one. */
  readonly pieces: (handle: number) => readonly Buffer[];
  /** Requests to OCS that it may become: one for a mere spelling of one good request, else none. */
  readonly allows: 0 | 1;
  /** HAProxy or nginx let nothing of it through (`baselines/haproxy-nginx.json`). */
  readonly refusedElsewhere: boolean;
};

/**
 * Record handles of payloads have seven digits, so that lengths do not depend on them. A smuggled request names another
 * one.
 */
export const FIRST_HANDLE = 1_000_000;
const SMUGGLED = 5_000_000;

export const handleOf = (target: string): number => Number(/^\/records\/(\d+)\?/.exec(target)?.[1]);
export const isSmuggled = (handle: number): boolean => handle >= SMUGGLED;

export const TARGET = (handle: number): string => `/records/${handle}?req=RecordReject`;

/** A whole request of another client for another record, as it stands inside another's body. */
export const secondRequest = (handle: number, credential: string): string =>
  [
    `POST ${TARGET(handle + SMUGGLED)} HTTP/1.1`,
    "Host: localhost",
    `Authorization: ${credential}`,
    "Content-Length: 0",
    "",
    "",
  ].join("\r\n");

export const latin1 = (text: string): Buffer => Buffer.from(text, "latin1");
