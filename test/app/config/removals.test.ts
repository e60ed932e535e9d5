/** Removals in a change of files: everything that an incompletely written file does not name yet. */
import { describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { removalsIn } from "../../../src/app/config/removals.ts";
import { readAdmins, type AdminRecord } from "../../../src/settings/files/admins-file.ts";
import { readKeys } from "../../../src/settings/files/keys-file.ts";
import type { KeyRecord } from "../../../src/settings/files/keys-rows.ts";
import { originOf, readSettings } from "../../../src/settings/load.ts";
import type { Settings } from "../../../src/settings/schema/schema.ts";
import { twoTenants } from "../../kit/gateway.ts";

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

const usersOf = (...rows: readonly Map[]): readonly AdminRecord[] => {
  const hash = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
  const all = rows.map((row) => ({ name: "alice", role: "viewer", hash, created: "2026-01-01T00:00:00Z", ...row }));
  const read = readAdmins(stringify({ version: 1, admins: all }), "admins.yaml");
  if (!read.ok) throw new Error(JSON.stringify(read.problems));
  return read.admins;
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

/** Changes that only the complete file has, and changes that both files have. */
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

describe("a config of which only the first part is written", () => {
  it.each(LOST.map(([says, whole, part]) => [says, whole, part ?? nothing] as const))(
    "counts as a removal of %s",
    (says, whole, part) => {
      const [before, after] = [base(), base()];
      whole(before);
      part(after);
      const [was, is] = [{ settings: settingsOf(before) }, { settings: settingsOf(after) }];
      expect(removalsIn(was, is)).toContain(says);
      expect(removalsIn(is, was).filter((each) => !each.endsWith("as it was"))).toEqual([]);
    },
  );

  it.each([
    ["tenants", ["101"]],
    ["expires", "2030-01-01T00:00:00Z"],
    ["revoked", "2026-02-01T00:00:00Z"],
  ])("counts as a removal of %s of a key", (key, value) => {
    const settings = settingsOf(base());
    const [whole, part] = [
      { settings, keys: keysOf({ [key]: value }) },
      { settings, keys: keysOf({}) },
    ];
    expect(removalsIn(whole, part)).toEqual([`${key} of key k1`]);
    // Revoking a key or giving it an expiry never waits.
    expect(removalsIn(part, whole)).toEqual([]);
  });
});

describe("a file of the console's users of which only the first part is written", () => {
  type Row = readonly [says: string, was: readonly Map[], is: readonly Map[]];
  const settings = settingsOf(base());
  const removed = (was: readonly Map[], is: readonly Map[]): readonly string[] =>
    removalsIn({ settings, admins: usersOf(...was) }, { settings, admins: usersOf(...is) });

  it.each<Row>([
    ["console user bob", [{}, { name: "bob" }], [{}]],
    ["disabled of console user alice", [{ disabled: true }], [{}]],
    ["tenants of console user alice", [{ tenants: ["101"] }], [{}]],
  ])("counts as a removal of %s", (says, was, is) => {
    expect(removed(was, is)).toEqual([says]);
    expect(removed(is, was), "adding it is none").toEqual([]);
  });

  it.each<Row>([
    ["a role", [{ role: ["viewer", "auditor"] }], [{ role: "viewer" }]],
    ["a user's access", [{}], [{ disabled: true }]],
    ["a password", [{}], [{ hash: usersOf({})[0]!.hash.replace("CTFh", "DTFh") }]],
  ])("is not waited for when it takes away %s", (_, was, is) => expect(removed(was, is)).toEqual([]));
});
