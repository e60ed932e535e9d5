/**
 * The GSW_* names that a request body may contain, each with its type. Source: the manual's tables "BODY" and "BODY
 * Attributes for campaigngroups Resource", and the Desktop protocol that they refer to.
 */
import {
  CALLBACK_TYPES,
  CALL_RESULTS,
  CHAIN_ATTR,
  DIAL_MODES,
  OPTIMIZE_BY,
  PHONE_TYPES,
  RECORD_STATUS,
  RECORD_TYPES,
  TREATMENTS,
} from "./enumerations.ts";
import { DATE_TIME_PATTERN, isDateTime } from "./date-time.ts";
import {
  ANY_CONTACT_PATTERN,
  CONTACT_EXPECTED,
  CUSTOMER_ID_EXPECTED,
  CUSTOMER_ID_PATTERN,
  isAnyContact,
  isCustomerId,
} from "./identifiers.ts";

export type Shape =
  | { readonly kind: "integer"; readonly min: number; readonly max: number }
  | {
      readonly kind: "enumeration";
      readonly values: ReadonlyMap<number, string>;
      readonly accepts: ReadonlySet<number>;
    }
  | { readonly kind: "word"; readonly words: readonly string[] }
  | {
      readonly kind: "text";
      readonly max: number;
      readonly is?: (value: string) => boolean;
      readonly expected?: string;
      /** For JSON Schema: everything that `is` accepts has this pattern. */
      readonly pattern?: string;
    }
  | { readonly kind: "properties" };

type Definition = {
  readonly shape: Shape;
  /** The attribute decides whose data is affected, so it may occur only once, at any depth and in any case. */
  readonly scope?: true;
};

const MAX_INTEGER = 2_147_483_647;

const integer = (min = 0, max = MAX_INTEGER): Shape => ({ kind: "integer", min, max });
const oneOf = (values: ReadonlyMap<number, string>, from = 0): Shape => ({
  kind: "enumeration",
  values,
  accepts: new Set([...values.keys()].filter((number) => number >= from)),
});
const word = (words: readonly string[]): Shape => ({ kind: "word", words });
const text = (
  max: number,
  grammar: Pick<Extract<Shape, { kind: "text" }>, "is" | "expected" | "pattern"> = {},
): Shape => ({ kind: "text", max, ...grammar });

/** Seconds since midnight. */
const timeOfDay = integer(0, 86_400);

export const ATTRIBUTES = {
  GSW_TENANT_DBID: { shape: integer(1), scope: true },
  GSW_TENANT_NAME: { shape: text(255), scope: true },
  GSW_RECORD_HANDLE: { shape: integer(1), scope: true },
  // `readBody` later checks it against GSW_PHONE_TYPE.
  GSW_PHONE: {
    shape: text(128, { is: isAnyContact, expected: CONTACT_EXPECTED, pattern: ANY_CONTACT_PATTERN }),
    scope: true,
  },
  GSW_CUSTOMER_ID: {
    shape: text(64, { is: isCustomerId, expected: CUSTOMER_ID_EXPECTED, pattern: CUSTOMER_ID_PATTERN }),
    scope: true,
  },
  GSW_CALLING_LIST: { shape: text(255), scope: true },
  GSW_CAMPAIGN_NAME: { shape: text(255), scope: true },
  GSW_APPLICATION_ID: { shape: integer(0), scope: true },
  GSW_AGENT_ID: { shape: text(32) },
  GSW_ATTEMPTS: { shape: integer(0, 32_767) },
  GSW_AUTO_COMPLETION: { shape: integer(0, 1) },
  GSW_CALLBACK_TYPE: { shape: word(CALLBACK_TYPES) },
  GSW_CALL_RESULT: { shape: oneOf(CALL_RESULTS) },
  GSW_CALL_TIME: { shape: integer(0) },
  GSW_CHAIN_ATTR: { shape: word(CHAIN_ATTR) },
  GSW_CHAIN_ID: { shape: integer(0) },
  GSW_CHAIN_N: { shape: integer(0) },
  GSW_CM_AttrDialMode: { shape: oneOf(DIAL_MODES, 1) },
  GSW_CM_AttrOptimizeBy: { shape: oneOf(OPTIMIZE_BY) },
  GSW_CM_AttrOptimizeGoal: { shape: integer(0, 86_400) },
  GSW_CM_AttrProperties: { shape: { kind: "properties" } },
  GSW_DATE_TIME: {
    shape: text(16, {
      is: isDateTime,
      expected: "MM/dd/yyyy HH:mm, 24 hours, a day that exists",
      pattern: DATE_TIME_PATTERN,
    }),
  },
  GSW_FROM: { shape: timeOfDay },
  GSW_UNTIL: { shape: timeOfDay },
  GSW_PHONE_TYPE: { shape: oneOf(PHONE_TYPES) },
  GSW_RECORD_STATUS: { shape: oneOf(RECORD_STATUS) },
  // The manual's "Campaign Rescheduled" example sends 6, which is Campaign CallBack, so all of 2 to 7 are accepted.
  GSW_RECORD_TYPE: { shape: oneOf(RECORD_TYPES, 2) },
  GSW_TREATMENT: { shape: word(TREATMENTS) },
  GSW_TZ_NAME: { shape: text(64) },
} as const satisfies Record<string, Definition>;

export type AttributeName = keyof typeof ATTRIBUTES;

/** Alternative spellings in the manual → the name that the gateway sends to OCS. */
export const SPELLINGS: ReadonlyMap<string, AttributeName> = new Map<string, AttributeName>([
  // The manual's table has OptimizedBy, the example and the link text OptimizeBy.
  ["GSW_CM_AttrOptimizedBy", "GSW_CM_AttrOptimizeBy"],
  // The manual's text on lists has GSW_CAMPAIGN, every example GSW_CAMPAIGN_NAME.
  ["GSW_CAMPAIGN", "GSW_CAMPAIGN_NAME"],
]);

/** Names that no request may contain, but that OCS might interpret as scope. */
const RESERVED_SCOPE = [
  "GSW_RECORD_URI",
  "GSW_CM_AttrGroupID",
  "GSW_CM_AttrCampaignID",
  "GSW_CM_AttrReferenceID",
  "GSW_CM_AttrRefID",
  "GSW_CM_MessageType",
];

/** Scope names in lower case, by their original spelling and by the lower-case one. */
const scopeNames: ReadonlyMap<string, string> = new Map(
  [
    ...Object.entries<Definition>(ATTRIBUTES)
      .filter(([, definition]) => definition.scope)
      .map(([name]) => name),
    "GSW_CAMPAIGN",
    ...RESERVED_SCOPE,
  ].flatMap((name) => [
    [name, name.toLowerCase()],
    [name.toLowerCase(), name.toLowerCase()],
  ]),
);

/** The key in lower case if, ignoring case, it decides scope; otherwise undefined. All such names begin with GSW_. */
export const scopeOf = (key: string): string | undefined =>
  key.startsWith("G") || key.startsWith("g") ? (scopeNames.get(key) ?? scopeNames.get(key.toLowerCase())) : undefined;

export const carriesScope = (key: string): boolean => scopeOf(key) !== undefined;

const names: ReadonlySet<string> = new Set(Object.keys(ATTRIBUTES));

export const isAttributeName = (name: string): name is AttributeName => names.has(name);
