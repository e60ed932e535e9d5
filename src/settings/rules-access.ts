/** Who gets in: ways to prove identity, and clients' names. */
import { fold, repeats } from "./compare.ts";
import type { Facts } from "./facts.ts";
import type { Finding, Path } from "./problem.ts";
import type { Rule } from "./rules.ts";
import type { Settings } from "./schema.ts";
import { isLoopback } from "./units.ts";

const someWayIn: Rule = ({ identity }) =>
  identity && identity.value.jwt.length === 0 && identity.value.mtls.length === 0 && identity.value.keys === null
    ? [
        {
          code: "OCSGW-6241",
          path: identity.path,
          atKey: true,
          message: "no client can prove who it is: `identity` has neither jwt, mtls nor keys",
          help: "add identity.keys with a file, then ocsgw keys create --client NAME",
        },
      ]
    : [];

const oneKeySet: Rule = ({ identity }) =>
  (identity?.value.jwt ?? []).flatMap(({ jwks_uri: uri, jwks_file: file }, at): Finding | [] => {
    if ((uri === null) !== (file === null)) return [];
    const path = ["identity", "jwt", at];
    if (uri === null)
      return {
        code: "OCSGW-6242",
        path,
        message: "the issuer's keys are nowhere: `jwks_uri` or `jwks_file` is needed",
      };
    return {
      code: "OCSGW-6242",
      path: [...path, "jwks_file"],
      message: "jwks_uri and jwks_file both stand: which one counts?",
      also: { path: [...path, "jwks_uri"], message: "the other" },
    };
  });

const keySetOverTls: Rule = ({ identity }) =>
  (identity?.value.jwt ?? []).flatMap(({ jwks_uri: uri }, at): Finding | [] => {
    const url = uri === null ? undefined : new URL(uri);
    if (!url || url.protocol === "https:" || isLoopback(url.hostname)) return [];
    return {
      code: "OCSGW-6243",
      path: ["identity", "jwt", at, "jwks_uri"],
      message: "the issuer's keys come over http: whoever is in between could mint tokens",
      help: "use https",
    };
  });

const issuerOnce: Rule = ({ identity }) =>
  (["name", "issuer"] as const).flatMap((key) =>
    repeats(
      (identity?.value.jwt ?? []).map((value, at) => ({ value, at })),
      ({ value }) => value[key],
    ).map(({ first, again }): Finding => ({
      code: "OCSGW-6244",
      path: ["identity", "jwt", again.at, key],
      message: `two issuers have the same ${key}`,
      also: { path: ["identity", "jwt", first.at, key], message: "first here" },
    })),
  );

/** Headers that HTTP itself reads, that proxies write, or that end up in everybody's log. */
const NO_CARRIERS = new Set([
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

const carrierIsOurs: Rule = ({ identity }) =>
  (identity?.value.keys?.carriers ?? []).flatMap((carrier, at): Finding | [] => {
    const header = carrier.replace(/^header:/, "").toLowerCase();
    if (carrier === "basic" || !(NO_CARRIERS.has(header) || header.startsWith("x-forwarded-"))) return [];
    return {
      code: "OCSGW-6248",
      path: ["identity", "keys", "carriers", at],
      message: `${header} is a header with a meaning of its own: proxies read, change or log it, and it is no place for a key`,
      help: 'name one of your own, as in "header:X-Api-Key"',
    };
  });

const LONGEST_SKEW_MS = 300_000;

const skewIsSmall: Rule = ({ identity }) =>
  (identity?.value.jwt ?? []).flatMap(({ clock_skew: skew }, at): Finding | [] =>
    skew <= LONGEST_SKEW_MS
      ? []
      : {
          code: "OCSGW-6249",
          path: ["identity", "jwt", at, "clock_skew"],
          message: "tokens would count long after they have expired",
          help: "5m at most; 30s is usual",
        },
  );

const clientSpelledOneWay: Rule = ({ tenants }) => {
  const spelled = tenants.flatMap(({ path, value }) =>
    Object.keys(value.clients).map((client) => ({ client, path: [...path, "clients", client] })),
  );
  return repeats(spelled, ({ client }) => fold(client))
    .filter(({ first, again }) => first.client !== again.client)
    .map(({ first, again }): Finding => ({
      code: "OCSGW-6302",
      severity: "warning",
      path: again.path,
      atKey: true,
      message: `${again.client} and ${first.client} are two clients: case counts`,
      also: { path: first.path, message: `${first.client} here` },
    }));
};

/** Bytes below which nothing starts. */
const SHORTEST_INDEX_KEY = 16;

const indexKeyAtAll: Rule = ({ audit }) =>
  indexKeys(audit?.value.index_key ?? []).flatMap(({ path, secret }): Finding | [] =>
    Buffer.byteLength(secret) >= SHORTEST_INDEX_KEY
      ? []
      : {
          code: "OCSGW-6269",
          path: ["audit", "index_key", ...path],
          message: `the key of the journal's tokens has ${Buffer.byteLength(secret)} bytes; fewer than ${SHORTEST_INDEX_KEY} are guessed`,
          help: "use 32 random characters or more, as from openssl rand -hex 32",
        },
  );

const longIndexKey: Rule = ({ audit }) =>
  indexKeys(audit?.value.index_key ?? []).flatMap(({ path, secret }): Finding | [] =>
    secret.length >= 32 || Buffer.byteLength(secret) < SHORTEST_INDEX_KEY
      ? []
      : {
          code: "OCSGW-6303",
          severity: "warning",
          path: ["audit", "index_key", ...path],
          message:
            "the key of the journal's tokens is short: phone numbers are few, so only this key keeps them unread",
          help: "use 32 random characters or more, as from openssl rand -hex 32",
        },
  );

/** The key of the samples, which everybody can read. */
export const TRIAL_KEY = "for-a-trial-only-not-a-secret-at-all";

/** As a file or a shell may have spelled it. */
const isTrialKey = (secret: string): boolean => secret.replaceAll(/[\s\uFEFF"']/g, "").toLowerCase() === TRIAL_KEY;

const trialKeyOnLoopback: Rule = (facts) => {
  const newest = indexKeys(facts.audit?.value.index_key ?? []).at(-1);
  const outside = newest && isTrialKey(newest.secret) ? reachableFromElsewhere(facts) : undefined;
  return !newest || !outside
    ? []
    : [
        {
          code: "OCSGW-6270",
          path: ["audit", "index_key", ...newest.path],
          message:
            "the sample's trial key would make the journal's tokens: everybody who has it reads phone numbers out of them",
          also: { path: outside, message: "not on loopback" },
          help: "give a key of your own, as from openssl rand -hex 32, in the variable or file that is named here; the trial key may stay as an older epoch, so that its tokens are found",
        },
      ];
};

const reachableFromElsewhere = ({ listeners, upstreams, admin }: Facts): Path | undefined => {
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
  someWayIn,
  oneKeySet,
  keySetOverTls,
  issuerOnce,
  carrierIsOurs,
  skewIsSmall,
  clientSpelledOneWay,
  indexKeyAtAll,
  longIndexKey,
  trialKeyOnLoopback,
];
