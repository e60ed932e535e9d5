/** Follows the flow stream of a running gateway: connects, reads its events, and tells why it ended. */
import type { IncomingMessage } from "node:http";
import { pipeline, type Readable } from "node:stream";
import { constants, createGunzip } from "node:zlib";
import { reason } from "../../common/system-error.ts";
import { openStream, type AdminOptions } from "../admin-client.ts";

/** `data`: JSON, one line. */
export type StreamEvent = { readonly id: string; readonly name: string; readonly data: string };

/**
 * How an attempt ended. `refused`: the gateway's answer, with its reason. `lost`: no connection, or one that broke or
 * fell silent. `code`: the exit code of a command that cannot even connect, whose reason is printed.
 */
export type StreamEnd =
  | {
      readonly kind: "refused";
      readonly status: number;
      readonly error: string;
      readonly retryAfter: number;
      /** Prints why a token or an address is wrong, and returns the exit code. */
      readonly explain: () => number;
    }
  | { readonly kind: "lost"; readonly why: string }
  | { readonly kind: "code"; readonly code: number };

type Question = { readonly path: string; readonly cursor: string | undefined };

/** The gateway sends a heartbeat every 2 s. */
export const SILENT_MS = 5000;
const MOST_EVENT = 64 << 20;
const MOST_ANSWER = 1 << 20;

/** Connects once; calls `take` with every event and waits for it. Never rejects. */
export const followOnce = async (
  options: AdminOptions,
  { path, cursor }: Question,
  take: (event: StreamEvent) => Promise<void>,
): Promise<StreamEnd> => {
  const headers: Record<string, string> = {
    Accept: "text/event-stream",
    // Costs the gateway a fraction of the plain bytes.
    "Accept-Encoding": "gzip",
    ...(cursor !== undefined && { "Last-Event-ID": cursor }),
  };
  const opened = await openStream(options, path, headers);
  if (typeof opened === "number") return { kind: "code", code: opened };
  if ("why" in opened) return { kind: "lost", why: opened.why };
  const { response, close } = opened;
  let isSilent = false;
  let silence: NodeJS.Timeout | undefined;
  const listen = (): void => {
    clearTimeout(silence);
    silence = setTimeout(() => {
      isSilent = true;
      close();
    }, SILENT_MS);
  };
  listen();
  try {
    const isStream = /^text\/event-stream\b/.test(response.headers["content-type"] ?? "");
    if (response.statusCode !== 200 || !isStream) {
      const { text, ...refusal } = await refusalIn(response);
      return { ...refusal, explain: () => opened.explain({ status: refusal.status, value: valueOf(text) }) };
    }
    for await (const event of eventsIn(unpacked(response), listen)) {
      // The stream is not read while the output waits for its reader.
      clearTimeout(silence);
      await take(event);
      listen();
    }
    return { kind: "lost", why: "the gateway closed it" };
  } catch (error) {
    return { kind: "lost", why: isSilent ? `nothing came for ${SILENT_MS / 1000} s` : reason(error) };
  } finally {
    clearTimeout(silence);
    close();
  }
};

/** Whatever has arrived comes out, also when the connection breaks. */
const unpacked = (response: IncomingMessage): Readable =>
  response.headers["content-encoding"] === "gzip"
    ? pipeline(response, createGunzip({ finishFlush: constants.Z_SYNC_FLUSH }), () => undefined)
    : response;

const refusalIn = async (response: IncomingMessage) => {
  let text = "";
  for await (const chunk of response.setEncoding("utf8") as AsyncIterable<string>) {
    text += chunk;
    if (text.length > MOST_ANSWER) break;
  }
  const seconds = Number(response.headers["retry-after"] ?? 0);
  const error = (valueOf(text) as { readonly error?: unknown } | null)?.error;
  return {
    kind: "refused" as const,
    text,
    status: response.statusCode!,
    error: typeof error === "string" ? error : "the answer has no reason",
    retryAfter: Number.isFinite(seconds) ? seconds : 0,
  };
};

const valueOf = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
};

/** The complete events of a stream. `onBytes`: called with every piece. */
const eventsIn = async function* (
  response: Readable,
  onBytes: () => void,
): AsyncGenerator<StreamEvent, void, undefined> {
  let text = "";
  for await (const chunk of response.setEncoding("utf8") as AsyncIterable<string>) {
    onBytes();
    const frames = (text += chunk).split("\n\n");
    text = frames.pop()!;
    if (text.length > MOST_EVENT) throw new Error("an event is too long");
    for (const frame of frames) {
      const event = eventIn(frame);
      if (event) yield event;
    }
  }
};

const eventIn = (frame: string): StreamEvent | undefined => {
  const fields = new Map(
    frame.split("\n").map((line): [string, string] => {
      const colon = line.indexOf(": ");
      return [line.slice(0, colon), line.slice(colon + 2)];
    }),
  );
  const [id, name, data] = [fields.get("id"), fields.get("event"), fields.get("data")];
  return id === undefined || name === undefined || data === undefined ? undefined : { id, name, data };
};
