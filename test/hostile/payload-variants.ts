/**
 * What a payload wears: nothing; a credential, so that only its own fault is left; or also a target and a Host of ours.
 */
import { basic } from "../kit/gateway.ts";
import { TARGET, latin1, type Payload } from "./payload.ts";

export const DRESSES = ["bare", "credential", "graft"] as const;
export type Dress = (typeof DRESSES)[number];

const CREDENTIAL = `Authorization: ${basic("alpha")}\r\n`;
// Only what is plain is replaced: a target or a Host that is itself the fault stays.
const PLAIN_LINE = /^[A-Z]+ \/[A-Za-z0-9/._?=&-]* HTTP\/1\.1\r\n/;
const PLAIN_HOST = /\r\nHost: ?[A-Za-z0-9.-]+(?::[0-9]+)?(?=\r\n)/i;

export const dressed = (payload: Payload, dress: Dress): Payload | undefined => {
  if (dress === "bare") return payload;
  if (dress === "graft" && !PLAIN_LINE.test(head(payload))) return undefined;
  return {
    ...payload,
    ...(dress === "graft" && { allows: 1, refusedElsewhere: payload.refusedElsewhere && hasHost(payload) }),
    pieces: (handle) => {
      const [first, ...rest] = payload.pieces(handle);
      return first ? [latin1(put(first.toString("latin1"), dress, handle)), ...rest] : [];
    },
  };
};

/** The others refuse a request without Host; with ours put in, it may be a good one. */
const hasHost = (payload: Payload): boolean => /^Host\s*:/im.test(head(payload));

const head = (payload: Payload): string => payload.pieces(0)[0]?.toString("latin1") ?? "";

const put = (text: string, dress: Dress, handle: number): string => {
  const ours = dress === "graft" ? text.replace(PLAIN_LINE, () => `POST ${TARGET(handle)} HTTP/1.1\r\n`) : text;
  const end = ours.indexOf("\n") + 1;
  const hosted = ours.slice(0, end) + CREDENTIAL + ours.slice(end);
  const blank = hosted.search(/\r?\n\r?\n/);
  const header = blank < 0 ? hosted : hosted.slice(0, blank + 2);
  if (!/^Host\s*:/im.test(header)) return hosted.slice(0, end) + "Host: localhost\r\n" + hosted.slice(end);
  const found = PLAIN_HOST.exec(header);
  return found
    ? hosted.slice(0, found.index) + "\r\nHost: localhost" + hosted.slice(found.index + found[0].length)
    : hosted;
};
