/** A refusal in the client's dialect: RFC 9457 for who asks for JSON, OCS's own HTML shape for everybody else. */
import { STATUS_CODES } from "node:http";
import { bytesOf, type Arrival, type HeaderLine } from "../message.ts";
import { REFUSALS, type Refused } from "./refusals.ts";
import type { Dialect } from "./words.ts";

type Worded = { readonly type: string; readonly bytes: Uint8Array };

export const wordRefusal = (refused: Refused, arrival: Arrival, dialect: Dialect): Worded =>
  dialect === "problem" || (dialect === "auto" && arrival.headers.some(asksForJson))
    ? { type: "application/problem+json", bytes: bytesOf(JSON.stringify(problem(refused, arrival.id))) }
    : { type: "text/html; charset=utf-8", bytes: bytesOf(html(refused)) };

/** True of an `Accept` that names a JSON type with a weight above 0; its list may stand on several lines. */
const asksForJson = ([name, value]: HeaderLine): boolean =>
  name.toLowerCase() === "accept" && value.split(",").some((range) => {
    const [type = "", ...parameters] = range.split(";").map((part) => part.trim().toLowerCase());
    const weight = parameters.find((parameter) => parameter.startsWith("q="));
    return (type === "application/problem+json" || type === "application/json") && !(weight && Number(weight.slice(2)) === 0);
  });

const problem = ({ refusal, message, more }: Refused, id: string): Record<string, unknown> => {
  const { code, status, title, delivery } = REFUSALS[refusal];
  return {
    type: `urn:ocs-gateway:problem:${code}`,
    title,
    status,
    detail: message,
    instance: `urn:ocs-gateway:request:${id}`,
    code,
    origin: "gateway",
    delivery: more.delivery ?? delivery,
    request_id: id,
    ...(more.pointer !== undefined && { pointer: more.pointer }),
  };
};

const TOLD = { "not-sent": "Not sent to OCS.", "sent-no-answer": "Sent to OCS; it may have been carried out.", "answered": "OCS answered." } as const;

/** The manual's shape of a negative answer: old clients cut the text out of the body element, code first. */
const html = ({ refusal, message, more }: Refused): string => {
  const { code, status, delivery } = REFUSALS[refusal];
  const place = more.pointer === undefined ? "" : ` (${more.pointer})`;
  return `<HTML><body>${status} ${STATUS_CODES[status]} : ${code} ${escape(message + place)}. ${TOLD[more.delivery ?? delivery]}</body></HTML>`;
};

const escape = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
