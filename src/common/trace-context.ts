/**
 * The trace that a request is part of, as its client says: the headers of W3C Trace Context, level 1. What is not valid
 * is ignored, as the recommendation demands: a request never fails for it.
 */
import { headerOf, type HeaderLine, type TraceContext } from "./message.ts";

const PARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const ZERO = /^0+$/;
const SAMPLED = 1;

/** Undefined without a valid `traceparent`, and with several. */
export const traceContextOf = (headers: readonly HeaderLine[]): TraceContext | undefined => {
  const given = headerOf(headers, "traceparent");
  if (given === undefined || count(headers, "traceparent") !== 1) return undefined;
  const [, version, traceId = "", spanId = "", flags = "", more] = PARENT.exec(given) ?? [];
  // Later versions may have more members; ff is no version.
  if (version === undefined || version === "ff" || (version === "00" && more !== undefined)) return undefined;
  if (ZERO.test(traceId) || ZERO.test(spanId)) return undefined;
  const isSampled = (Number.parseInt(flags, 16) & SAMPLED) === SAMPLED;
  const parent = `00-${traceId}-${spanId}-${isSampled ? "01" : "00"}`;
  return { parent, traceId, spanId, isSampled, state: stateOf(headers) };
};

const isNamed = ([name]: HeaderLine, wanted: string): boolean =>
  name.length === wanted.length && name.toLowerCase() === wanted;

const count = (headers: readonly HeaderLine[], name: string): number =>
  headers.filter((line) => isNamed(line, name)).length;

const MOST_MEMBERS = 32;
const MOST_CHARACTERS = 512;
const MEMBER = /^[a-z][a-z0-9_*/-]{0,255}=[ -+\--<>-~]{0,255}[!-+\--<>-~]$/;
const TENANT_MEMBER = /^[a-z0-9][a-z0-9_*/-]{0,240}@[a-z][a-z0-9_*/-]{0,13}=[ -+\--<>-~]{0,255}[!-+\--<>-~]$/;

const stateOf = (headers: readonly HeaderLine[]): string | undefined => {
  const members = headers
    .filter((line) => isNamed(line, "tracestate"))
    .flatMap(([, value]) => value.split(","))
    .map((member) => member.trim())
    .filter((member) => member !== "");
  const keys = new Set(members.map((member) => member.slice(0, member.indexOf("="))));
  const text = members.join(",");
  const isValid =
    members.length > 0 &&
    members.length <= MOST_MEMBERS &&
    keys.size === members.length &&
    text.length <= MOST_CHARACTERS &&
    members.every((member) => MEMBER.test(member) || TENANT_MEMBER.test(member));
  return isValid ? text : undefined;
};
