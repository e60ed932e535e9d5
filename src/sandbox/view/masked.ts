/** What people are shown of a request that OCS read: phone numbers, customer ids and user fields are masked. */
import { readTarget, type Operation } from "../../ocs/target.ts";
import { lastFour, maskNumbers } from "../../common/mask.ts";
import { headerOf } from "../../common/message.ts";
import type { ReadRequest } from "../server/recorder.ts";

export type MaskedRequest = {
  readonly method: string;
  readonly target: string;
  /** JSON, or its length; null without a body. */
  readonly body: string | null;
  readonly user_agent: string | null;
};

const MOST_BODY = 2000;
/** Longer bodies are not read again: clients decide how long they are, and people look every two seconds. */
const LONGEST_READ = 8192;
const MOST_AGENT = 200;
const MOST_TARGET = 500;

export const masked = ({ method, target, headers, body }: ReadRequest): MaskedRequest => {
  const agent = headerOf(headers, "user-agent");
  return {
    method: maskNumbers(method),
    target: shortened(maskedTarget(method, target), MOST_TARGET),
    body: body === "" ? null : shortened(maskedBody(body), MOST_BODY),
    user_agent: agent === undefined ? null : shortened(maskNumbers(agent), MOST_AGENT),
  };
};

const shortened = (text: string, most: number): string => (text.length > most ? `${text.slice(0, most)} …` : text);

const maskedTarget = (method: string, target: string): string => {
  const operation = operationOf(method, target);
  // Also in what OCS cannot read, people are named.
  if (!operation) return maskNumbers(withoutPeople(decoded(withoutPeople(target))));
  const { action, identifier } = operation;
  const place = identifier === undefined ? action.resource : `${action.resource}/${maskedIdentifier(operation)}`;
  return action.method === "GET" ? `/${place}` : `/${place}?req=${action.name}`;
};

export const maskedIdentifier = ({ action, identifier = "" }: Operation): string =>
  action.resource === "phones" || action.resource === "customer_ids" ? lastFour(identifier) : maskNumbers(identifier);

const operationOf = (method: string, target: string): Operation | undefined => {
  try {
    return readTarget(method, target);
  } catch {
    return undefined;
  }
};

const PERSON = /((?:^|\/)(?:phones|customer_ids)\/+)([^/?#]+)/gi;
const PARAMETER = /([?&;](?!req=)[^=&;#]*=)([^&;#]+)/gi;

const withoutPeople = (target: string): string =>
  [PERSON, PARAMETER].reduce(
    (text, what) => text.replace(what, (_all, before: string, value: string) => before + lastFour(decoded(value))),
    target,
  );

/** Numbers may be percent-encoded. */
const decoded = (target: string): string => {
  try {
    return decodeURIComponent(target);
  } catch {
    return target;
  }
};

const maskedBody = (body: string): string => {
  if (body.length > LONGEST_READ) return `… ${body.length} characters`;
  try {
    return JSON.stringify(maskedValue(JSON.parse(body)));
  } catch {
    return maskNumbers(body);
  }
};

/** Also when misspelled. */
const PERSONAL = /PHONE(?!_?TYPE)|CUSTOMER/i;

/** In OCS's own members numbers are masked; of personal and of user-defined ones all but the last four characters. */
const maskedValue = (value: unknown, name = "GSW_"): unknown => {
  if (Array.isArray(value)) return value.map((each) => maskedValue(each, name));
  if (typeof value === "object" && value !== null)
    return Object.fromEntries(
      Object.entries(value).map(([key, member]) => [
        maskNumbers(key),
        maskedValue(member, key.startsWith("GSW_") ? key : "user"),
      ]),
    );
  if (value === null || typeof value === "boolean") return value;
  const text = String(value as string | number);
  if (!name.startsWith("GSW_") || PERSONAL.test(name)) return lastFour(text);
  const shown = maskNumbers(text);
  return shown === text ? value : shown;
};
