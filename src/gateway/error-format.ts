/** A refusal in the client's dialect: RFC 9457 for who asks for JSON, OCS's own HTML shape for everybody else. */
import { STATUS_CODES } from "node:http";
import { bytesOf, type Arrival, type HeaderLine } from "../message.ts";
import { REFUSALS, type Delivery, type Refused } from "./refusals.ts";
import { repeatInWords, type Repeat } from "./repeat.ts";
import type { Dialect } from "./words.ts";

type Worded = { readonly type: string; readonly bytes: Uint8Array };

/** How far the request got, and whether the same one may be sent again. */
export type Fate = { readonly delivery: Delivery; readonly repeat: Repeat | undefined };

export const wordRefusal = (refused: Refused, fate: Fate, arrival: Arrival, dialect: Dialect): Worded =>
  dialect === "problem" || (dialect === "auto" && arrival.headers.some(asksForJson))
    ? { type: "application/problem+json", bytes: bytesOf(JSON.stringify(problem(refused, fate, arrival.id))) }
    : { type: "text/html; charset=utf-8", bytes: bytesOf(html(refused, fate)) };

/** True of an `Accept` that names a JSON type with a weight above 0; its list may stand on several lines. */
const asksForJson = ([name, value]: HeaderLine): boolean =>
  name.toLowerCase() === "accept" &&
  value.split(",").some((range) => {
    const [type = "", ...parameters] = range.split(";").map((part) => part.trim().toLowerCase());
    const weight = parameters.find((parameter) => parameter.startsWith("q="));
    return (
      (type === "application/problem+json" || type === "application/json") && !(weight && Number(weight.slice(2)) === 0)
    );
  });

const problem = (
  { refusal, message, more }: Refused,
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
    ...(more.pointer !== undefined && { pointer: more.pointer }),
  };
};

const TOLD = {
  "not-sent": "Not sent to OCS.",
  "sent-no-answer": "Sent to OCS; it may have been carried out.",
  answered: "OCS answered.",
} as const;

/** The manual's shape of a negative answer: old clients cut the text out of the body element, code first. */
const html = ({ refusal, message, more }: Refused, { delivery, repeat }: Fate): string => {
  const { code, status } = REFUSALS[refusal];
  const told = [TOLD[delivery], repeatInWords(repeat, delivery)].filter(Boolean).join(" ");
  const place = more.pointer === undefined ? "" : ` (${more.pointer})`;
  return `<HTML><body>${status} ${STATUS_CODES[status]} : ${code} ${escape(message + place)}. ${told}</body></HTML>`;
};

const escape = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
