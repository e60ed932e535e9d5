/** Which values of a config are shown, where they come from, and that secrets are hidden by their kind. */
import { describe, expect, it } from "vitest";
import { partOf } from "../../../src/settings/files/config-text.ts";
import { NO_CACHE } from "../../../src/settings/files/merge-files.ts";
import { rowsPage, viewOf, type ConfigRow, type RowsQuery } from "../../../src/settings/view/config-rows.ts";
import { explainRows, secretKeys } from "../../../src/settings/schema/schema-tree.ts";
import { mutated, SAMPLE } from "../kit.ts";

const FILE = "/etc/ocsgw/ocsgw.yaml";

const rowsIn = (text: string, env: Readonly<Record<string, string>> = {}, asked: Partial<RowsQuery> = {}) =>
  rowsPage(viewOf({ main: partOf(FILE, text), tenants: [] }, { env, cache: NO_CACHE }), {
    find: "",
    section: undefined,
    after: 0,
    limit: 100_000,
    ...asked,
  });

const rowOf = (key: string, text: string, env: Readonly<Record<string, string>> = {}): ConfigRow =>
  rowsIn(text, env).rows.find((row) => row.key === key)!;

const BASE = `audit:
  dir: ./audit
  index_key: ${"k".repeat(32)}
`;

describe("the rows of a config", () => {
  it("are the settings of the file with their places, and the defaults of the others", () => {
    expect(rowOf("audit.dir", BASE)).toEqual({
      key: "audit.dir",
      rule: "audit.dir",
      entry: null,
      value: "./audit",
      is_cut: false,
      hidden: null,
      origin: "file",
      sources: [],
      at: { file: FILE, line: 2, column: 8 },
      explanation: "Directory of the journal.",
    });
    expect(rowOf("audit.durability", BASE)).toMatchObject({ value: "flush", origin: "default", at: null });
    expect(rowOf("admin", BASE)).toMatchObject({ value: "~", origin: "default" });
    expect(rowOf("drain.delay", BASE)).toMatchObject({ value: "0s", origin: "default" });
  });

  it("have a key that check --explain knows, and an explanation", () => {
    const known = new Set(explainRows().map(({ key }) => key));
    const { rows } = rowsIn(SAMPLE);
    expect(rows.length).toBeGreaterThan(100);
    const withoutNames = (rule: string): string => rule.replace(/\.<(?:name|action)>$/, "");
    expect(rows.filter(({ rule }) => !known.has(rule) && !known.has(withoutNames(rule)))).toEqual([]);
    expect(rows.filter(({ explanation }) => explanation === "")).toEqual([]);
  });

  it("name the tenant or listener that they are of, and the lines of a file in tenants.d", () => {
    expect(rowOf("tenants[0].mode", SAMPLE)).toMatchObject({ entry: "Alpha Tenant", rule: "tenants[].mode" });
    const part = partOf("/etc/ocsgw/tenants.d/gamma.yaml", "- name: Gamma\n  dbid: 103\n  upstream: ocs-main\n");
    const { rows } = rowsPage(
      viewOf({ main: partOf(FILE, "version: 1\n"), tenants: [part] }, { env: {}, cache: NO_CACHE }),
      { find: "gamma dbid", section: "tenants", after: 0, limit: 10 },
    );
    expect(rows).toMatchObject([{ key: "tenants[0].dbid", value: "103", at: { file: part.file, line: 2 } }]);
  });

  it("are searched by all words, and come a page at a time", () => {
    const all = rowsIn(SAMPLE, {}, { find: "alpha limits" }).rows;
    expect(all.length).toBeGreaterThan(2);
    const first = rowsIn(SAMPLE, {}, { find: "ALPHA limits", limit: 2 });
    expect(first).toEqual({ rows: all.slice(0, 2), next: 2 });
    expect(rowsIn(SAMPLE, {}, { find: "alpha limits", after: 2 }).rows).toEqual(all.slice(2));
    expect(rowsIn(SAMPLE, {}, { find: "no such word" })).toEqual({ rows: [], next: undefined });
  });
});

const SECRET = "s3cret-which-no-row-may-have-0000";
const KEY = `index_key: ${"k".repeat(32)}`;

/** `text`: a piece of a config with the secret, or one whose variable or file has it. `key`: the row that hides it. */
const HIDDEN: readonly (readonly [name: string, text: string, key: string, row: Partial<ConfigRow>])[] = [
  ["a secret", `audit: { index_key: ${SECRET} }`, "audit.index_key", { hidden: "secret", origin: "file" }],
  [
    "a list of secrets",
    `audit: { index_key: [{ epoch: t1, secret: ${SECRET} }] }`,
    "audit.index_key",
    { hidden: "secret", origin: "file" },
  ],
  [
    "a secret from a variable",
    'audit: { index_key: "${KEY}" }',
    "audit.index_key",
    { hidden: "secret", origin: "variable", sources: [{ kind: "variable", name: "KEY", isSet: true }] },
  ],
  [
    "a secret that is the default of a variable",
    `audit: { index_key: "\${NONE:-${SECRET}}" }`,
    "audit.index_key",
    { hidden: "secret", origin: "variable", sources: [{ kind: "variable", name: "NONE", isSet: false }] },
  ],
  [
    "a secret in a file",
    `audit: { index_key: "\${file:\${DIR:-${SECRET}}/index.key}" }`,
    "audit.index_key",
    { hidden: "secret", origin: "named-file", sources: [{ kind: "file", path: "${DIR}/index.key" }] },
  ],
  [
    "a text from a variable",
    'identity: { jwt: [{ name: one, issuer: "${KEY}" }] }',
    "identity.jwt[0].issuer",
    { value: "•••", hidden: "variable", origin: "variable" },
  ],
  [
    "a text that is the default of a variable",
    `identity: { jwt: [{ name: one, issuer: "\${NONE:-${SECRET}}" }] }`,
    "identity.jwt[0].issuer",
    { value: "•••", hidden: "variable" },
  ],
  [
    "anything from a file",
    'identity: { jwt: [{ name: one, clock_skew: "${file:skew}" }] }',
    "identity.jwt[0].clock_skew",
    { value: "•••", hidden: "file", sources: [{ kind: "file", path: "skew" }] },
  ],
  [
    "one of several texts",
    'tenants: [{ name: A, lists: [Own List, "${KEY}"] }]',
    "tenants[0].lists",
    { value: "[Own List, •••]", hidden: "variable" },
  ],
  [
    "a name",
    'tenants: [{ name: "${KEY}", dbid: 101 }]',
    "tenants[0].dbid",
    { value: "101", hidden: null, entry: null },
  ],
  [
    "the query of an address",
    `identity: { jwt: [{ name: one, jwks_uri: "https://idp.example/keys?token=${SECRET}" }] }`,
    "identity.jwt[0].jwks_uri",
    { value: "https://idp.example/keys?•••", hidden: null },
  ],
  [
    "user and password of an address",
    `identity: { jwt: [{ name: one, jwks_uri: "https://me:${SECRET}@idp.example/keys#${SECRET}" }] }`,
    "identity.jwt[0].jwks_uri",
    { value: "https://•••@idp.example/keys#•••", hidden: null },
  ],
  [
    "an address that is none",
    `identity: { jwt: [{ name: one, jwks_uri: "${SECRET}" }] }`,
    "identity.jwt[0].jwks_uri",
    { value: "•••" },
  ],
  [
    "user and password in a text",
    `identity: { jwt: [{ name: one, issuer: "https://me:${SECRET}@idp.example/?a=${SECRET}" }] }`,
    "identity.jwt[0].issuer",
    { value: "https://•••@idp.example/?•••" },
  ],
  [
    "a private key in a text",
    `identity: { jwt: [{ name: one, audience: "-----BEGIN PRIVATE KEY----- ${SECRET} -----END PRIVATE KEY-----" }] }`,
    "identity.jwt[0].audience",
    { value: "•••" },
  ],
  [
    "policy tests",
    `tests: [{ as: a, do: "POST /phones/${SECRET}?req=DoNotCall", expect: allow }]`,
    "tests",
    { value: "1", hidden: "personal" },
  ],
];

describe("a value that must not be shown", () => {
  it.each(HIDDEN)("is hidden: %s", (_name, text, key, row) => {
    const { rows } = rowsIn(text, { KEY: SECRET });
    expect(rows.find((each) => each.key === key)).toMatchObject(row);
    expect(JSON.stringify(rows)).not.toContain(SECRET);
    expect(rowsIn(text, { KEY: SECRET }, { find: SECRET.slice(0, 12) }).rows).toEqual([]);
  });

  it("is of the kind of secrets, if its key sounds like one", () => {
    const last = explainRows().map(({ key }) => key.split(".").at(-1)!);
    const sounding = new Set(last.filter((key) => /secret|password|passphrase|credential|api_?key|token$/.test(key)));
    expect(sounding.size).toBeGreaterThan(0);
    expect([...sounding].filter((key) => !secretKeys().includes(key))).toEqual([]);
  });

  it("is none if a variable gives a number, a word of a list, a duration or an address", () => {
    const text =
      'upstreams: { ocs: { primary: "${OCS}", lane_isolation: "${ISOLATION}", timeouts: { answer: "${ANSWER}" } } }';
    const env = { OCS: "http://ocs1:8080", ISOLATION: "none", ANSWER: "7s" };
    expect(
      rowsIn(text, env, { section: "upstreams" })
        .rows.filter(({ origin }) => origin === "variable")
        .map(({ key, value }) => [key, value]),
    ).toEqual([
      ["upstreams.ocs.primary", "http://ocs1:8080"],
      ["upstreams.ocs.lane_isolation", "none"],
      ["upstreams.ocs.timeouts.answer", "7s"],
    ]);
  });

  it("is cut if it is long", () => {
    const long = "x".repeat(65_536);
    expect(rowOf("audit.dir", mutated(["dir: ./audit", `dir: ${long}`]).replace(KEY, KEY))).toMatchObject({
      value: long.slice(0, 4000),
      is_cut: true,
    });
  });
});
