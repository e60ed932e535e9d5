/** What a change of files takes away: everything that a file which is not whole yet does not say yet. */
import { describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { takesAway } from "../../src/assemble/takes-away.ts";
import { readKeys, type KeyRecord } from "../../src/settings/keys-file.ts";
import { originOf, readSettings } from "../../src/settings/load.ts";
import type { Settings } from "../../src/settings/schema.ts";
import { twoTenants } from "../kit/gateway.ts";

type Map = Record<string, unknown>;
type Config = ReturnType<typeof twoTenants>;

const settingsOf = (config: Config): Settings => {
  const read = readSettings(stringify(config, { aliasDuplicateObjects: false }), originOf("/nowhere/ocsgw.yaml", {}), {
    files: false,
  });
  if (!read.ok) throw new Error(JSON.stringify(read.problems));
  return read.settings;
};
const keysOf = (row: Map): readonly KeyRecord[] => {
  const all = { id: "k1", client: "alpha", hash: `sha256:${"0".repeat(64)}`, created: "2026-01-01T00:00:00Z", ...row };
  const read = readKeys(stringify({ version: 1, keys: [all] }), "keys.yaml");
  if (!read.ok) throw new Error(JSON.stringify(read.problems));
  return read.keys;
};

const base = (): Config => twoTenants("http://127.0.0.1:9");
const first = (config: Config, section: "tenants" | "listeners"): Map => (config[section] as Map[])[0]!;
const alpha = (config: Config): Map => (first(config, "tenants")["clients"] as Record<string, Map>)["alpha"]!;
const issuer = (more: Map): Map => ({
  jwt: [{ name: "idp", issuer: "https://idp.example/", audience: "gw", jwks_file: "jwks.json", ...more }],
});
const rule = (more: Map): Map => ({ mtls: [{ name: "peer", san_dns: "a.example", client: "alpha", ...more }] });
const withTls =
  (more: Map) =>
  (config: Config): void => {
    first(config, "listeners")["tls"] = { cert: "c", key: "k", ...more };
  };
const ofIdentity =
  (more: Map) =>
  (config: Config): void => {
    Object.assign(config.identity as Map, more);
  };
const ofAudit =
  (more: Map) =>
  (config: Config): void => {
    Object.assign(config.audit as Map, more);
  };

type Change = (config: Config) => void;
const nothing: Change = () => undefined;

/** What stands in the whole file, and not in its first part; and what stands in both. */
const LOST: readonly (readonly [says: string, whole: Change, part?: Change])[] = [
  [
    "campaign_groups of client alpha of Alpha Tenant",
    (config) => {
      alpha(config)["campaign_groups"] = [106];
    },
  ],
  [
    "limits of client alpha of Alpha Tenant",
    (config) => {
      alpha(config)["limits"] = { requests: { rate: "1/s" } };
    },
  ],
  [
    "limits.urgent of client alpha of Alpha Tenant",
    (config) => {
      alpha(config)["limits"] = { requests: { rate: "1/s" }, urgent: { rate: "1/s" } };
    },
    (config) => {
      alpha(config)["limits"] = { requests: { rate: "1/s" } };
    },
  ],
  [
    "fields of Alpha Tenant",
    (config) => {
      first(config, "tenants")["fields"] = ["CODE"];
    },
  ],
  [
    "limits of Alpha Tenant",
    (config) => {
      first(config, "tenants")["limits"] = { requests: { rate: "1/s" } };
    },
  ],
  [
    "allow_from of listener clients",
    (config) => {
      first(config, "listeners")["allow_from"] = ["10.0.0.0/8"];
    },
  ],
  ["tls.client_ca of listener clients", withTls({ client_ca: "ca" }), withTls({})],
  ["tls.client_crl of listener clients", withTls({ client_ca: "ca", client_crl: "crl" }), withTls({ client_ca: "ca" })],
  ["tenants of issuer idp", ofIdentity(issuer({ tenants: ["101"] })), ofIdentity(issuer({}))],
  ["tenants of certificate rule peer", ofIdentity(rule({ tenants: ["101"] })), ofIdentity(rule({}))],
  ["ca of certificate rule peer", ofIdentity(rule({ ca: "ca" })), ofIdentity(rule({}))],
  [
    "backup of upstream ocs",
    (config) => {
      (config.upstreams as Record<string, Map>)["ocs"]!["backup"] = "http://127.0.0.1:10";
    },
  ],
  ["audit.legal_hold", ofAudit({ legal_hold: [{ name: "case" }] })],
  ["audit.retention as it was", ofAudit({ retention: "3650d" })],
  ["audit.redact as it was", ofAudit({ redact: { phone: "drop" } })],
];

describe("a file of which only the first part is there", () => {
  it.each(LOST.map(([says, whole, part]) => [says, whole, part ?? nothing] as const))(
    "takes away: %s",
    (says, whole, part) => {
      const [before, after] = [base(), base()];
      whole(before);
      part(after);
      const [was, is] = [{ settings: settingsOf(before) }, { settings: settingsOf(after) }];
      expect(takesAway(was, is)).toContain(says);
      expect(takesAway(is, was).filter((each) => !each.endsWith("as it was"))).toEqual([]);
    },
  );

  it.each([
    ["tenants", ["101"]],
    ["expires", "2030-01-01T00:00:00Z"],
    ["revoked", "2026-02-01T00:00:00Z"],
  ])("takes away: %s of a key", (key, value) => {
    const settings = settingsOf(base());
    const [whole, part] = [
      { settings, keys: keysOf({ [key]: value }) },
      { settings, keys: keysOf({}) },
    ];
    expect(takesAway(whole, part)).toEqual([`${key} of key k1`]);
    // To revoke a key, or to give it an end, never waits.
    expect(takesAway(part, whole)).toEqual([]);
  });
});
