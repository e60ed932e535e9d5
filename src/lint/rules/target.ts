/** What a call asks for: the gateway's own reader judges the target, with samples in place of unknown parts. */
import { CATALOG, findAction, findResource, type Action, type Resource } from "../../ocs/catalog.ts";
import { readTarget } from "../../ocs/target.ts";
import { Violation, type Rule as Broken } from "../../ocs/violation.ts";
import { knownText, type Call, type Undecided } from "../calls.ts";
import { isMarked } from "../holes.ts";
import { nearestName } from "../names.ts";
import type { Url } from "../url.ts";
import type { LintFinding, RuleName } from "./table.ts";

/** `action` is undefined if the file does not tell it, or if the target has a finding. */
export type TargetJudged = {
  readonly findings: readonly LintFinding[];
  readonly undecided: readonly Undecided[];
  readonly action: Action | undefined;
  /** As written, decoded; undefined if it is unknown. */
  readonly identifier: string | undefined;
};

/** A valid identifier of each kind, for a part that only the running program knows. */
const SAMPLES: Readonly<Record<Resource["identifier"], string>> = {
  "record handle": "1",
  "phone number": "4155550100",
  "customer id": "A",
  "calling list name": "A",
  "campaign group DBID": "1",
};

const RULE_OF: Readonly<Partial<Record<Broken, RuleName>>> = {
  resource: "wrongTarget",
  method: "wrongMethod",
  action: "unknownAction",
};

export const judgeTarget = (call: Call, url: Url): TargetJudged => {
  const { urlAt } = call;
  const nothing = { findings: [], undecided: [], action: undefined, identifier: undefined };
  if (call.action !== undefined) return { ...nothing, action: CATALOG.records.actions[call.action as "AddRecord"] };
  if (url.path === "" && url.query === undefined && !url.fromRecordUri) return nothing;
  const resource = resourceOf(url);
  const unknown = (what: string): TargetJudged => ({ ...nothing, undecided: [{ at: urlAt, what }] });
  if (!resource && (isMarked(url.path) || (url.isOpen && url.path === "")))
    return unknown("the resource is computed at run time");
  const method = methodOf(call, url);
  if (url.query !== undefined && isMarked(url.query)) return unknown("the action is computed at run time");
  const identifier = identifierIn(url.path);
  const path = resource && (isMarked(url.path) || url.path === "") ? samplePath(resource, url.path) : url.path;
  try {
    const { action } = readTarget(method, `${path}${url.query === undefined ? "" : `?${url.query}`}`);
    const undecided = knownText(call.method) === undefined && url.query === undefined ? [METHOD(urlAt)] : [];
    return { ...nothing, undecided, action, identifier };
  } catch (error) {
    if (!(error instanceof Violation)) throw error;
    const where = { at: urlAt, method, written: knownText(call.method) ?? method, resource, query: url.query };
    const [allowed] = error.allow ?? [];
    const other = allowed === "POST" && method !== "GET" ? violationOf(allowed, path, url.query) : undefined;
    return { ...nothing, findings: [error, ...(other ? [other] : [])].map((each) => findingOf(each, where)) };
  }
};

/** A wrong method hides a wrong action: both are to be corrected. */
const violationOf = (method: string, path: string, query: string | undefined): Violation | undefined => {
  try {
    readTarget(method, `${path}${query === undefined ? "" : `?${query}`}`);
    return undefined;
  } catch (error) {
    if (error instanceof Violation) return error;
    throw error;
  }
};

const METHODS: ReadonlySet<string> = new Set("GET HEAD POST PUT DELETE CONNECT OPTIONS TRACE PATCH".split(" "));

/** What stands in place of the method. A text that is no word may be anything, and is not repeated. */
const foundMethod = (method: string): string => {
  if (METHODS.has(method.toUpperCase())) return `not ${method.toUpperCase()}`;
  return /^[A-Za-z]{1,16}$/.test(method) ? `and ${method} is no method of HTTP` : "and this is no method of HTTP";
};

const METHOD = (at: number): Undecided => ({ at, what: "the method is computed at run time" });

/** The record's own address is /records/HANDLE. */
const resourceOf = (url: Url): Resource | undefined => {
  if (url.path !== "") return findResource(url.path.split("/")[1] ?? "");
  if (url.fromRecordUri) return CATALOG.records;
  // An unknown path, and an action that only one resource has.
  const req = url.isOpen ? new URLSearchParams(url.query ?? "").get("req") : null;
  const having = Object.values(CATALOG).filter((each) => req !== null && findAction(each, req) !== undefined);
  return having.length === 1 ? having[0] : undefined;
};

const identifierIn = (path: string): string | undefined => {
  const written = path.split("/")[2];
  if (written === undefined || isMarked(written)) return undefined;
  try {
    return decodeURIComponent(written);
  } catch {
    return undefined;
  }
};

/** The path with a sample for an unknown identifier, and with as many segments as written. */
const samplePath = (resource: Resource, path: string): string => {
  const [, , identifier, ...more] = path.split("/");
  const isUnknown = identifier === undefined ? path === "" : isMarked(identifier);
  const own = isUnknown ? SAMPLES[resource.identifier] : identifier;
  return ["", resource.name, ...(own === undefined ? [] : [own]), ...more.filter((each) => !isMarked(each))].join("/");
};

/** An unknown method is taken as the one that fits. */
const methodOf = (call: Call, url: Url): string => {
  const written = knownText(call.method)?.toUpperCase();
  if (written !== undefined) return written === "URLGET" ? "GET" : written;
  return url.query === undefined ? "GET" : "POST";
};

type Where = {
  readonly at: number;
  readonly method: string;
  /** The method as it stands in the file. */
  readonly written: string;
  readonly resource: Resource | undefined;
  readonly query: string | undefined;
};

const findingOf = (error: Violation, { at, method, written, resource, query }: Where): LintFinding => {
  const rule = RULE_OF[error.rule] ?? "wrongTarget";
  // What is sent with GET is read as an action too, to say what is wrong with it.
  const req = new URLSearchParams(query ?? "").get("req") ?? undefined;
  const own = req === undefined || !resource ? undefined : findAction(resource, req);
  if (own && method === "GET") return { rule: "wrongMethod", at, detail: `${own.name} is sent with POST, not GET` };
  if (rule === "wrongMethod") return { rule, at, detail: `${error.message}, ${foundMethod(written)}` };
  if (rule !== "unknownAction" || req === undefined || !resource || own) return { rule, at, detail: error.message };
  const elsewhere = Object.values(CATALOG).filter((other) => findAction(other, req) !== undefined);
  if (elsewhere.length > 0)
    return {
      rule,
      at,
      detail: `${findAction(elsewhere[0]!, req)!.name} is no action of ${resource.name}`,
      help: `it is an action of ${elsewhere.map(({ name }) => name).join(" and ")}`,
    };
  const near = nearestName(req, Object.keys(resource.actions));
  return {
    rule,
    at,
    detail: error.message,
    ...(near !== undefined && { help: `did you mean ${near}?` }),
  };
};
