/** Rules about authentication: issuers, API keys, client names, and the key of the journal's tokens. */
import { fold, repeats } from "./compare.ts";
import type { ParsedParts } from "./parsed-parts.ts";
import type { Finding, Path } from "../problems/problem.ts";
import type { Rule } from "./parsed-parts.ts";
import { formatValue } from "../format-value.ts";
import type { Settings } from "../schema/schema.ts";
import { isLoopback } from "../schema/units.ts";

const GENERATE_KEY = "use 32 or more random characters, for example from openssl rand -hex 32";

/** Minimum bytes; the gateway does not start with a shorter key. */
const SHORTEST_INDEX_KEY = 16;
/** Characters from which there is no warning. */
const GOOD_INDEX_KEY = 32;

const PROBLEMS = {
  noMethod: {
    code: "OCSGW-6241",
    message: "no client can authenticate: `identity` has none of jwt, mtls and keys",
    help: "add identity.keys with a file, then run ocsgw keys create -c FILE --client NAME",
  },
  noKeySet: {
    code: "OCSGW-6242",
    message: "this issuer has no keys: `jwks_uri` or `jwks_file` is required",
    help: "set jwks_uri to the address of the issuer's key set (JWKS), or jwks_file to a copy of it",
  },
  twoKeySets: {
    code: "OCSGW-6242",
    message: "jwks_uri and jwks_file are both set, and only one is allowed",
    help: "remove one of them",
  },
  keySetOverHttp: {
    code: "OCSGW-6243",
    message: "the issuer's keys are fetched over http: an attacker on the network could replace them and forge tokens",
    help: "use https, or copy the key set into a file and set jwks_file instead",
  },
  duplicateIssuer: (key: "name" | "issuer", value: string) => ({
    code: "OCSGW-6244",
    message: `two issuers have the same ${key} ${JSON.stringify(value)}`,
    help:
      key === "name"
        ? "give one of them another name"
        : "remove one of the two, or correct it if it is a mistake: one entry is for all tokens with this iss",
  }),
  reservedHeader: (header: string) => ({
    code: "OCSGW-6248",
    message: `API keys cannot be sent in the header ${header}: HTTP, proxies or the gateway use it for something else`,
    help: 'for Authorization: Basic write basic; otherwise use a header of your own, for example "header:X-Api-Key"',
  }),
  longSkew: (skew: number) => ({
    code: "OCSGW-6249",
    message:
      `clock_skew is ${formatValue(["identity", "jwt", 0, "clock_skew"], skew)}, more than 5m: tokens would be ` +
      "accepted long after they have expired",
    help: "set 5m or less; 30s is usual",
  }),
  clientCase: (name: string, other: string) => ({
    code: "OCSGW-6302",
    severity: "warning" as const,
    message: `${name} and ${other} are two different clients, because client names are case-sensitive`,
    help: "if one client is meant, use one spelling",
  }),
  indexKeyTooShort: (bytes: number) => ({
    code: "OCSGW-6269",
    message:
      `this key of the journal's tokens has ${bytes} bytes and must have ${SHORTEST_INDEX_KEY} or more: whoever ` +
      "guesses it can turn the tokens back into phone numbers",
    help: GENERATE_KEY,
  }),
  indexKeyShort: (length: number, isNewest: boolean) => ({
    code: "OCSGW-6303",
    severity: "warning" as const,
    message:
      `this key of the journal's tokens has ${length} characters, fewer than ${GOOD_INDEX_KEY}: whoever guesses it ` +
      "can turn the tokens back into phone numbers",
    help: isNewest
      ? `${GENERATE_KEY}; if the gateway has used this key already, keep it as an older epoch, so that its tokens ` +
        "are still found"
      : "it makes no new tokens: leave it as it is, and remove it once the entries with its tokens are deleted " +
        "(audit.retention)",
  }),
  trialKey: {
    code: "OCSGW-6270",
    message:
      "this is the public trial key of the samples, and the config is not limited to loopback: anybody could turn " +
      "the journal's tokens back into phone numbers",
    help:
      "set a key of your own, for example from openssl rand -hex 32 (where ${…} gives the key: in that variable or " +
      "file); the trial key may stay as an older epoch, so that its tokens are still found",
  },
} as const;

const requiresMethod: Rule = ({ identity }) =>
  identity && identity.value.jwt.length === 0 && identity.value.mtls.length === 0 && identity.value.keys === null
    ? [{ ...PROBLEMS.noMethod, path: identity.path, atKey: true }]
    : [];

const oneKeySet: Rule = ({ identity }) =>
  (identity?.value.jwt ?? []).flatMap(({ jwks_uri: uri, jwks_file: file }, at): Finding | [] => {
    if ((uri === null) !== (file === null)) return [];
    const path = ["identity", "jwt", at];
    if (uri === null) return { ...PROBLEMS.noKeySet, path };
    return {
      ...PROBLEMS.twoKeySets,
      path: [...path, "jwks_file"],
      also: { path: [...path, "jwks_uri"], message: "jwks_uri is set here" },
    };
  });

const keySetOverTls: Rule = ({ identity }) =>
  (identity?.value.jwt ?? []).flatMap(({ jwks_uri: uri }, at): Finding | [] => {
    const url = uri === null ? undefined : new URL(uri);
    if (!url || url.protocol === "https:" || isLoopback(url.hostname)) return [];
    return { ...PROBLEMS.keySetOverHttp, path: ["identity", "jwt", at, "jwks_uri"] };
  });

const issuerOnce: Rule = ({ identity }) =>
  (["name", "issuer"] as const).flatMap((key) =>
    repeats(
      (identity?.value.jwt ?? []).map((value, at) => ({ value, at })),
      ({ value }) => value[key],
    ).map(({ first, again }): Finding => ({
      ...PROBLEMS.duplicateIssuer(key, again.value[key]),
      path: ["identity", "jwt", again.at, key],
      also: { path: ["identity", "jwt", first.at, key], message: "first used here" },
    })),
  );

/** Headers that must not contain API keys: HTTP or proxies use them, or software commonly logs them. */
const RESERVED_HEADERS = new Set([
  "host",
  "content-length",
  "content-type",
  "transfer-encoding",
  "connection",
  "accept",
  "user-agent",
  "via",
  "cookie",
  "authorization",
  "forwarded",
  "referer",
  "origin",
  "ocsgw-tenant",
]);

const carrierNotReserved: Rule = ({ identity }) =>
  (identity?.value.keys?.carriers ?? []).flatMap((carrier, at): Finding | [] => {
    const header = carrier.replace(/^header:/, "").toLowerCase();
    if (carrier === "basic" || !(RESERVED_HEADERS.has(header) || header.startsWith("x-forwarded-"))) return [];
    return { ...PROBLEMS.reservedHeader(header), path: ["identity", "keys", "carriers", at] };
  });

const LONGEST_SKEW_MS = 300_000;

const skewIsShort: Rule = ({ identity }) =>
  (identity?.value.jwt ?? []).flatMap(({ clock_skew: skew }, at): Finding | [] =>
    skew <= LONGEST_SKEW_MS ? [] : { ...PROBLEMS.longSkew(skew), path: ["identity", "jwt", at, "clock_skew"] },
  );

const oneSpellingPerClient: Rule = ({ tenants }) => {
  const spelled = tenants.flatMap(({ path, value }) =>
    Object.keys(value.clients).map((client) => ({ client, path: [...path, "clients", client] })),
  );
  return repeats(spelled, ({ client }) => fold(client))
    .filter(({ first, again }) => first.client !== again.client)
    .map(({ first, again }): Finding => ({
      ...PROBLEMS.clientCase(again.client, first.client),
      path: again.path,
      atKey: true,
      also: { path: first.path, message: `${first.client} is here` },
    }));
};

const indexKeyTooShort: Rule = ({ audit }) =>
  indexKeys(audit?.value.index_key ?? []).flatMap(({ path, secret }): Finding | [] =>
    Buffer.byteLength(secret) >= SHORTEST_INDEX_KEY
      ? []
      : { ...PROBLEMS.indexKeyTooShort(Buffer.byteLength(secret)), path: ["audit", "index_key", ...path] },
  );

const indexKeyShort: Rule = ({ audit }) =>
  indexKeys(audit?.value.index_key ?? []).flatMap(({ path, secret }, at, { length }): Finding | [] =>
    secret.length >= GOOD_INDEX_KEY || Buffer.byteLength(secret) < SHORTEST_INDEX_KEY
      ? []
      : {
          ...PROBLEMS.indexKeyShort(secret.length, at === length - 1),
          path: ["audit", "index_key", ...path],
        },
  );

/** The public key of the samples. */
export const TRIAL_KEY = "for-a-trial-only-not-a-secret-at-all";

/** Ignores blanks and quotes, which a file or a shell may have added. */
const isTrialKey = (secret: string): boolean => secret.replaceAll(/[\s\uFEFF"']/g, "").toLowerCase() === TRIAL_KEY;

const trialKeyOnLoopback: Rule = (parts) => {
  const newest = indexKeys(parts.audit?.value.index_key ?? []).at(-1);
  const outside = newest && isTrialKey(newest.secret) ? notLoopback(parts) : undefined;
  return !newest || !outside
    ? []
    : [
        {
          ...PROBLEMS.trialKey,
          path: ["audit", "index_key", ...newest.path],
          also: { path: outside, message: "not a loopback address" },
        },
      ];
};

const notLoopback = ({ listeners, upstreams, admin }: ParsedParts): Path | undefined => {
  const hosts: readonly (readonly [path: Path, host: string])[] = [
    ...listeners.map(({ path, value }) => [[...path, "bind"], value.bind.host] as const),
    ...(admin ? [[[...admin.path, "bind"], admin.value.bind.host] as const] : []),
    ...upstreams.flatMap(({ path, value: { primary, backup, callbacks } }) => [
      [[...path, "primary"], new URL(primary).hostname] as const,
      ...(backup === null ? [] : [[[...path, "backup"], new URL(backup).hostname] as const]),
      ...(callbacks ? [[[...path, "callbacks", "bind"], callbacks.bind.host] as const] : []),
    ]),
  ];
  return hosts.find(([, host]) => !isLoopback(host))?.[0];
};

const indexKeys = (keys: Settings["audit"]["index_key"]): readonly { readonly path: Path; readonly secret: string }[] =>
  typeof keys === "string"
    ? [{ path: [], secret: keys }]
    : keys.map(({ secret }, at) => ({ path: [at, "secret"], secret }));

export const accessRules: readonly Rule[] = [
  requiresMethod,
  oneKeySet,
  keySetOverTls,
  issuerOnce,
  carrierNotReserved,
  skewIsShort,
  oneSpellingPerClient,
  indexKeyTooShort,
  indexKeyShort,
  trialKeyOnLoopback,
];
