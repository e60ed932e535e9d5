/** Who gets in: ways to prove identity, and clients' names. */
import { fold, repeats } from "./compare.ts";
import type { Finding, Path } from "./problem.ts";
import type { Rule } from "./rules.ts";
import type { Settings } from "./schema.ts";
import { isLoopback } from "./units.ts";

const someWayIn: Rule = ({ identity }) =>
  (identity && identity.value.jwt.length === 0 && identity.value.mtls.length === 0 && identity.value.keys === null ? [{
    code: "OCSGW-6241", path: identity.path, atKey: true, message: "no client can prove who it is: `identity` has neither jwt nor keys",
    help: "add identity.keys with a file, then ocsgw keys create --client NAME",
  }] : []);

const oneKeySet: Rule = ({ identity }) =>
  (identity?.value.jwt ?? []).flatMap(({ jwks_uri: uri, jwks_file: file }, at): Finding | [] => {
    if ((uri === null) !== (file === null)) return [];
    const path = ["identity", "jwt", at];
    if (uri === null) return { code: "OCSGW-6242", path, message: "the issuer's keys are nowhere: `jwks_uri` or `jwks_file` is needed" };
    return { code: "OCSGW-6242", path: [...path, "jwks_file"], message: "jwks_uri and jwks_file both stand: which one counts?", also: { path: [...path, "jwks_uri"], message: "the other" } };
  });

const keySetOverTls: Rule = ({ identity }) =>
  (identity?.value.jwt ?? []).flatMap(({ jwks_uri: uri }, at): Finding | [] => {
    const url = uri === null ? undefined : new URL(uri);
    if (!url || url.protocol === "https:" || isLoopback(url.hostname)) return [];
    return { code: "OCSGW-6243", path: ["identity", "jwt", at, "jwks_uri"], message: "the issuer's keys come over http: whoever is in between could mint tokens", help: "use https" };
  });

const issuerOnce: Rule = ({ identity }) =>
  (["name", "issuer"] as const).flatMap((key) =>
    repeats((identity?.value.jwt ?? []).map((value, at) => ({ value, at })), ({ value }) => value[key]).map(({ first, again }): Finding => ({
      code: "OCSGW-6244", path: ["identity", "jwt", again.at, key], message: `two issuers have the same ${key}`, also: { path: ["identity", "jwt", first.at, key], message: "first here" },
    })));

const clientSpelledOneWay: Rule = ({ tenants }) => {
  const spelled = tenants.flatMap(({ path, value }) => Object.keys(value.clients).map((client) => ({ client, path: [...path, "clients", client] })));
  return repeats(spelled, ({ client }) => fold(client)).filter(({ first, again }) => first.client !== again.client).map(({ first, again }): Finding => ({
    code: "OCSGW-6302", severity: "warning", path: again.path, atKey: true, message: `${again.client} and ${first.client} are two clients: case counts`,
    also: { path: first.path, message: `${first.client} here` },
  }));
};

const longIndexKey: Rule = ({ audit }) =>
  indexKeys(audit?.value.index_key ?? []).flatMap(({ path, secret }): Finding | [] => (secret.length >= 32 ? [] : {
    code: "OCSGW-6303", severity: "warning", path: ["audit", "index_key", ...path], message: "the key of the journal's tokens is short: phone numbers are few, so only this key keeps them unread",
    help: "use 32 random characters or more, as from openssl rand -hex 32",
  }));

const indexKeys = (keys: Settings["audit"]["index_key"]): readonly { readonly path: Path; readonly secret: string }[] =>
  (typeof keys === "string" ? [{ path: [], secret: keys }] : keys.map(({ secret }, at) => ({ path: [at, "secret"], secret })));

export const accessRules: readonly Rule[] = [someWayIn, oneKeySet, keySetOverTls, issuerOnce, clientSpelledOneWay, longIndexKey];
