/** Formats a refusal as problem+json (RFC 9457) for clients that accept JSON, as OCS's HTML page for all others. */
import { STATUS_CODES } from "node:http";
import { escapeHtml } from "../common/html.ts";
import { bytesOf, type Arrival, type HeaderLine } from "../common/message.ts";
import type { Delivery } from "../journal/entry.ts";
import { REFUSALS } from "./refusals.ts";
import type { Refused } from "./refused.ts";
import { repeatInWords, type Repeat } from "./repeat.ts";

/** `listeners[].errors`. */
export type ErrorFormat = "auto" | "ocs" | "problem";

type Formatted = { readonly type: string; readonly bytes: Uint8Array };

/** How far the request got, and whether the client may repeat it. */
type Fate = { readonly delivery: Delivery; readonly repeat: Repeat | undefined };

export const formatRefusal = (refused: Refused, fate: Fate, arrival: Arrival, format: ErrorFormat): Formatted =>
  format === "problem" || (format === "auto" && arrival.headers.some(acceptsJson))
    ? { type: "application/problem+json", bytes: bytesOf(JSON.stringify(problem(refused, fate, arrival.id))) }
    : { type: "text/html; charset=utf-8", bytes: bytesOf(html(refused, fate)) };

/** True for an `Accept` header that names a JSON type with a weight above 0. */
const acceptsJson = ([name, value]: HeaderLine): boolean =>
  name.toLowerCase() === "accept" &&
  value.split(",").some((range) => {
    const [type = "", ...parameters] = range.split(";").map((part) => part.trim().toLowerCase());
    const weight = parameters.find((parameter) => parameter.startsWith("q="));
    return (
      (type === "application/problem+json" || type === "application/json") && !(weight && Number(weight.slice(2)) === 0)
    );
  });

const problem = (
  { refusal, message, details }: Refused,
  { delivery, repeat }: Fate,
  id: string,
): Record<string, unknown> => {
  const { code, status, title } = REFUSALS[refusal];
  return {
    type: `urn:ocs-gateway:problem:${code}`,
    title,
    status,
    detail: message,
    instance: `urn:ocs-gateway:request:${id}`,
    code,
    origin: "gateway",
    delivery,
    ...(repeat !== undefined && { repeat }),
    request_id: id,
    ...(details.pointer !== undefined && { pointer: details.pointer }),
  };
};

const DELIVERY: Readonly<Record<Delivery, string>> = {
  "not-sent": "Not sent to OCS.",
  "sent-no-answer": "Sent to OCS; it may have been carried out.",
  answered: "OCS answered.",
};

/** The manual's form of a negative answer. Old clients read the text in the body element, which begins with a code. */
const html = ({ refusal, message, details }: Refused, { delivery, repeat }: Fate): string => {
  const { code, status } = REFUSALS[refusal];
  const fate = [DELIVERY[delivery], repeatInWords(repeat, delivery)].filter(Boolean).join(" ");
  const place = details.pointer === undefined ? "" : ` (${details.pointer})`;
  const text = escapeHtml(message + place);
  return `<HTML><body>${status} ${STATUS_CODES[status]} : ${code} ${text}. ${fate}</body></HTML>`;
};
