/** The types of the typed client, as text, from the tables of attributes and enumerations. */
import { ATTRIBUTES, type AttributeName, type Shape } from "../../ocs/attributes.ts";
import {
  CALL_RESULTS,
  DIAL_MODES,
  GROUP_STATUS,
  OPTIMIZE_BY,
  PHONE_TYPES,
  PREDICTIVE_MODES,
  RECORD_STATUS,
  RECORD_TYPES,
} from "../../ocs/enumerations.ts";
import type { Action } from "../../ocs/catalog.ts";
import { MEANINGS, PURPOSES } from "../meanings.ts";
import { clientCall, typeName } from "../names.ts";

type Enumeration = { readonly name: string; readonly values: ReadonlyMap<number, string> };

/** The constant and the type of each enumeration. */
const ENUMERATIONS: readonly Enumeration[] = [
  { name: "CallResult", values: CALL_RESULTS },
  { name: "DialMode", values: DIAL_MODES },
  { name: "OptimizeBy", values: OPTIMIZE_BY },
  { name: "PhoneType", values: PHONE_TYPES },
  { name: "RecordStatus", values: RECORD_STATUS },
  { name: "RecordType", values: RECORD_TYPES },
  { name: "GroupStatus", values: GROUP_STATUS },
];

const HEAD = "// Generated from the action table by `node src/contract/client/write-client.ts`. Do not edit.\n";

export const enumerationsFile = (): string =>
  HEAD +
  ENUMERATIONS.map(({ name, values }) => {
    const members = [...values].map(([value, key]) => `  ${key}: ${value},\n`).join("");
    return `
export const ${name} = {
${members}} as const;
export type ${name} = (typeof ${name})[keyof typeof ${name}];
`;
  }).join("");

const typeOf = (shape: Shape): string => {
  switch (shape.kind) {
    case "integer":
      return shape.max - shape.min === 1 ? `${shape.min} | ${shape.max}` : "number";
    case "enumeration":
      return enumerationType(shape);
    case "word":
      return shape.words.map((word) => JSON.stringify(word)).join(" | ");
    case "text":
      return "string";
    case "properties":
      return "{ readonly GSW_AUTO_COMPLETION?: 0 | 1; readonly camp_group_data?: Readonly<Record<string, never>> }";
  }
};

/** Without the values that OCS only sends, and no request may have. */
const enumerationType = ({ values, accepts }: Extract<Shape, { kind: "enumeration" }>): string => {
  const { name } = ENUMERATIONS.find((each) => each.values === values)!;
  const refused = [...values].filter(([value]) => !accepts.has(value));
  return refused.length === 0
    ? name
    : `Exclude<${name}, ${refused.map(([, key]) => `(typeof ${name})["${key}"]`).join(" | ")}>`;
};

const attributeLines = (): string =>
  Object.entries(ATTRIBUTES)
    .map(([name, { shape }]) => `  /** ${MEANINGS[name as AttributeName]}. */\n  readonly ${name}: ${typeOf(shape)};\n`)
    .join("");

const union = (names: readonly string[]): string =>
  names.length === 0 ? "never" : names.map((name) => `"${name}"`).join(" | ");

/** Attributes that a condition requires have a type of their own. */
const bodyType = (action: Action): string => {
  const required = new Set(action.required);
  const conditional = new Set<string>(
    action.requiredWhenPredictive.length === 0 ? [] : ["GSW_CM_AttrDialMode", ...action.requiredWhenPredictive],
  );
  const optional = action.optional.filter((name) => !required.has(name) && !conditional.has(name));
  const plain = action.required.filter((name) => !conditional.has(name));
  return [
    `Body<${union(plain)}, ${union(optional)}>`,
    ...(conditional.size > 0 ? ["Dialing"] : []),
    ...(action.userFields ? ["WithFields"] : []),
  ].join(" & ");
};

const PREDICTIVE = [...PREDICTIVE_MODES].map((mode) => `(typeof DialMode)["${DIAL_MODES.get(mode)!}"]`).join(" | ");

/** `posts`: the actions with a body. */
export const bodiesFile = (posts: readonly Action[]): string => `${HEAD}
import type {
  ${ENUMERATIONS.map(({ name }) => name)
    .filter((name) => name !== "GroupStatus")
    .join(",\n  ")},
} from "./enumerations.ts";

export type Attributes = {
${attributeLines()}};

/** Fields of the calling list, by the send_attribute of their column. Names of OCS are no fields. */
export type Fields = { readonly [name: string]: string | number | bigint } & {
  readonly [name: \`GSW_\${string}\`]: never;
};
type WithFields = { readonly fields?: Fields | undefined };

type Optional<Names extends keyof Attributes> = { readonly [Name in Names]?: Attributes[Name] | undefined };
type Body<Required extends keyof Attributes, Others extends keyof Attributes> = Pick<Attributes, Required> &
  Optional<Others>;

type PredictiveMode = ${PREDICTIVE};
/** In predictive modes OCS needs to know what to optimize. */
type Dialing =
  | (Pick<Attributes, "GSW_CM_AttrOptimizeBy" | "GSW_CM_AttrOptimizeGoal"> & {
      readonly GSW_CM_AttrDialMode: PredictiveMode;
    })
  | (Optional<"GSW_CM_AttrOptimizeBy" | "GSW_CM_AttrOptimizeGoal"> & {
      readonly GSW_CM_AttrDialMode: Exclude<Attributes["GSW_CM_AttrDialMode"], PredictiveMode>;
    });
${posts.map((action) => `\nexport type ${typeName(action)} = ${bodyType(action)};\n`).join("")}`;

const AFTER_NO_ANSWER = {
  safe: "After no answer it may be sent again.",
  "check-first": "After no answer read the group's status first.",
  no: "After no answer do not send it again: it may happen twice.",
} as const;

const methodLines = (actions: readonly Action[]): string =>
  actions
    .map((action) => {
      const { method } = clientCall(action);
      const isNeeded = action.required.length > 0;
      const parameters =
        action.method === "GET"
          ? "options?: CallOptions"
          : `body${isNeeded ? "" : "?"}: ${typeName(action)}, options?: CallOptions`;
      const ends = action.finalizes ? " Ends the record's handle." : "";
      return (
        `  /**\n   * ${PURPOSES[action.name]}.${ends}\n   * ${AFTER_NO_ANSWER[action.repeat]}\n   */\n` +
        `  readonly ${method}: (${parameters}) => Promise<Result${action.answersBody ? "<OneGroup>" : ""}>;\n`
      );
    })
    .join("");

type Group = {
  readonly type: string;
  readonly call: string;
  readonly parameter: string;
  readonly meaning: string;
  readonly actions: readonly Action[];
};

export const apiFile = (groups: readonly Group[], posts: readonly Action[]): string => `${HEAD}
import type {
  ${posts.map(typeName).join(",\n  ")},
} from "./bodies.ts";
import type { AllGroups, OneGroup } from "../group-status.ts";
import type { CallOptions } from "../options.ts";
import type { Result } from "../result.ts";
${groups.map(({ type, actions }) => `\nexport type ${type} = {\n${methodLines(actions)}};\n`).join("")}
export type AllCampaignGroups = {
  /** Read the status of all campaign groups that this client may see. */
  readonly readStatus: (options?: CallOptions) => Promise<Result<AllGroups>>;
};

export type Api = {
${groups.map(memberLines).join("")}};
`;

/** Without a DBID the status of all campaign groups can be read. */
const memberLines = ({ call, type, parameter, meaning }: Group): string => {
  const one = `(${parameter}) => ${type}`;
  const both = `{ (): AllCampaignGroups; (${parameter}): ${type} }`;
  return `  /** ${meaning}. */\n  readonly ${call}: ${call === "campaignGroups" ? both : one};\n`;
};
