/**
 * What a call sends: the gateway's own reader of bodies judges each attribute that the file tells, with samples in
 * place of unknown values. What the running program fills in is counted as undecided.
 */
import { ATTRIBUTES, isAttributeName, type AttributeName, type Shape } from "../../ocs/attributes.ts";
import { readBody } from "../../ocs/body.ts";
import { CATALOG, type Action } from "../../ocs/catalog.ts";
import { PREDICTIVE_MODES } from "../../ocs/enumerations.ts";
import { scopeOf } from "../../ocs/attributes.ts";
import { Violation } from "../../ocs/violation.ts";
import { concat, knownText, type Call, type Member, type Undecided, type Value } from "../calls.ts";
import { canonicalSpelling, nearestName, OCS_NAMES } from "../names.ts";
import type { LintFinding } from "./table.ts";

export type BodyJudged = { readonly findings: readonly LintFinding[]; readonly undecided: readonly Undecided[] };

export const judgeBody = (call: Call, action: Action, identifier: string | undefined): BodyJudged => {
  const { body } = call;
  if (action.method === "GET") return { findings: [], undecided: [] };
  if (body.kind === "unknown" || (body.kind === "text" && knownText(body) === undefined))
    return { findings: [], undecided: [{ at: call.at, what: `the body of ${action.name} is computed at run time` }] };
  if (body.kind !== "object" && body.kind !== "absent") {
    if (knownText(body) === "")
      return judgeBody({ ...call, body: { kind: "absent", at: body.at } }, action, identifier);
    return { findings: [{ rule: "wrongBody", at: body.at }], undecided: [] };
  }
  const members = body.kind === "object" ? body.members : [];
  const open = body.kind === "object" && body.open;
  const missing = judgeMissing(action, { members, open, at: body.kind === "object" ? body.at : call.at });
  return {
    findings: [
      ...members.flatMap((member) => judgeMember(action, member)),
      ...judgeDoubled(members),
      ...judgeIdentity(action, members, identifier),
      ...missing.findings,
      ...judgeTogether(action, members, open),
    ],
    undecided: missing.undecided,
  };
};

/** A valid value for an attribute whose value is unknown. */
const sampleOf = (name: AttributeName, shape: Shape): string | number | object => {
  if (name === "GSW_PHONE") return "4155550100";
  if (name === "GSW_DATE_TIME") return "12/12/2035 13:00";
  switch (shape.kind) {
    case "integer":
      return shape.min;
    case "enumeration":
      return Math.min(...shape.accepts);
    case "word":
      return shape.words[0]!;
    case "text":
      return "A";
    case "properties":
      return {};
  }
};

const samplesFor = (action: Action, own: ReadonlySet<string>): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    [...action.required, ...action.requiredWhenPredictive]
      .filter((name) => !own.has(name))
      .map((name) => [name, sampleOf(name, ATTRIBUTES[name].shape)]),
  );

/** The JSON of a value that the file tells wholly; undefined if a part is unknown. */
const jsonOf = (value: Value): string | undefined => {
  switch (value.kind) {
    case "text": {
      const parts = concat(value.parts);
      return parts.every((part) => typeof part === "string") ? JSON.stringify(parts.join("")) : undefined;
    }
    case "number":
      return /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(value.text) ? value.text : "0.5";
    case "other":
      return value.json;
    case "absent":
      return "null";
    case "object": {
      if (value.open) return undefined;
      const members = value.members.map(({ key, value: inner }) => [key, jsonOf(inner)] as const);
      if (members.some(([key, json]) => key === undefined || json === undefined)) return undefined;
      return `{${members.map(([key, json]) => `${JSON.stringify(key)}:${json}`).join(",")}}`;
    }
    case "unknown":
      return undefined;
  }
};

const canonical = (name: string): string => canonicalSpelling(name) ?? name;

const judgeMember = (action: Action, { key, value, at }: Member): readonly LintFinding[] => {
  if (key === undefined) return [];
  const name = canonical(key);
  const spelling: readonly LintFinding[] =
    name === key
      ? []
      : [{ rule: "manualSpelling", at, detail: `${key} is a misprint of the manual`, help: `write ${name}` }];
  const json =
    jsonOf(value) ?? (isAttributeName(name) ? JSON.stringify(sampleOf(name, ATTRIBUTES[name].shape)) : '"A"');
  if (json === "null") return spelling;
  const samples = JSON.stringify(samplesFor(action, new Set([name]))).slice(1, -1);
  // GSW_PHONE may be an address if GSW_PHONE_TYPE says so, which is judged with both.
  const type =
    name === "GSW_PHONE" && takes(action, "GSW_PHONE_TYPE") && json.includes("@") ? '"GSW_PHONE_TYPE":10,' : "";
  const text = `{${type}${samples}${samples === "" ? "" : ","}${JSON.stringify(key)}:${json}}`;
  const violation = violationOf(action, text);
  if (!violation) return spelling;
  return [...spelling, { rule: "wrongAttribute", at, ...described(key, violation) }];
};

const takes = ({ required, optional }: Action, name: AttributeName): boolean =>
  required.includes(name) || optional.includes(name);

const described = (key: string, violation: Violation): Pick<LintFinding, "detail" | "help"> => {
  const near = /^GSW_/i.test(key) && !OCS_NAMES.has(key) ? nearestName(key, Object.keys(ATTRIBUTES)) : undefined;
  const name = /^GSW_\w{1,60}$/i.test(key) ? `${key}: ` : "";
  return {
    detail: `${name}${violation.message.replace(/; did you mean .*$/, "")}`,
    ...(near !== undefined && { help: `did you mean ${near}?` }),
  };
};

const violationOf = (action: Action, json: string): Violation | undefined => {
  try {
    readBody(action, new TextEncoder().encode(json));
    return undefined;
  } catch (error) {
    if (error instanceof Violation) return error;
    throw error;
  }
};

const judgeDoubled = (members: readonly Member[]): readonly LintFinding[] => {
  const seen = new Set<string>();
  return members.flatMap(({ key, at }): readonly LintFinding[] => {
    const scope = key === undefined ? undefined : scopeOf(canonical(key));
    if (scope === undefined) return [];
    if (seen.has(scope)) return [{ rule: "duplicateScope", at, detail: `${canonical(key!)} stands twice` }];
    seen.add(scope);
    return [];
  });
};

/** An attribute that repeats the URI's identifier must agree with it. */
const judgeIdentity = (
  action: Action,
  members: readonly Member[],
  identifier: string | undefined,
): readonly LintFinding[] => {
  const { identifiedBy } = CATALOG[action.resource];
  if (identifiedBy === undefined) return [];
  const member = members.find(({ key }) => key === identifiedBy);
  const written = member && knownText(member.value);
  return member && written !== undefined && identifier !== undefined && written !== identifier
    ? [{ rule: "uriDisagrees", at: member.at, detail: `${identifiedBy} in the body is not the one in the URI` }]
    : [];
};

type Given = { readonly members: readonly Member[]; readonly open: boolean; readonly at: number };

const judgeMissing = (action: Action, { members, open, at }: Given): BodyJudged => {
  const given = new Set(
    members.flatMap(({ key, value }) => (key === undefined || value.kind === "absent" ? [] : [canonical(key)])),
  );
  const needed = [...action.required, ...(isPredictive(members) ? action.requiredWhenPredictive : [])];
  const missing = needed.filter((name) => !given.has(name));
  const noTenant = action.namesTenant && !given.has("GSW_TENANT_DBID") && !given.has("GSW_TENANT_NAME");
  if (open) {
    const what = [...missing, ...(noTenant ? ["a tenant"] : [])].join(", ");
    return {
      findings: [],
      undecided: what === "" ? [] : [{ at, what: `whether the body has ${what} is decided at run time` }],
    };
  }
  return {
    findings: [
      ...(noTenant ? [{ rule: "missingTenant" as const, at }] : []),
      ...missing.map((name) => ({
        rule: "missingAttribute" as const,
        at,
        detail: `${action.name} on ${action.resource} needs ${name}`,
      })),
    ],
    undecided: [],
  };
};

const isPredictive = (members: readonly Member[]): boolean => {
  const mode = members.find(({ key }) => key === "GSW_CM_AttrDialMode");
  return mode !== undefined && PREDICTIVE_MODES.has(Number(knownText(mode.value) ?? Number.NaN));
};

/** Attributes that depend on each other, if each is right alone and all are known. */
const judgeTogether = (action: Action, members: readonly Member[], open: boolean): readonly LintFinding[] => {
  const pair = members.filter(({ key }) => key === "GSW_PHONE" || key === "GSW_PHONE_TYPE");
  const [phone] = pair.filter(({ key }) => key === "GSW_PHONE");
  if (!phone || open || pair.some(({ value }) => jsonOf(value) === undefined)) return [];
  if (pair.some((member) => judgeMember(action, member).length > 0)) return [];
  const own = Object.fromEntries(pair.map(({ key, value }) => [key!, JSON.parse(jsonOf(value)!) as unknown]));
  const samples = samplesFor(action, new Set(Object.keys(own)));
  const violation = violationOf(action, JSON.stringify({ ...samples, ...own }));
  return violation ? [{ rule: "wrongAttribute", at: phone.at, ...described("GSW_PHONE", violation) }] : [];
};
