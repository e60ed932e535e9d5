import { describe, expect, it } from "vitest";
import { explainRows, keysAt } from "../../../src/settings/schema/schema-tree.ts";
import { mutated, placeOf, problemsIn } from "../kit.ts";
import { CONTRACT } from "../contract-sample.ts";
import { readFileSync } from "node:fs";

const stubs = {
  readFile: (path: string) =>
    path === "keys.yaml" ? readFileSync(new URL("../../../config/keys.yaml", import.meta.url), "utf8") : "k".repeat(40),
};

/** The key with two of its letters swapped, or its last one doubled where that changes nothing. */
const misspelt = (key: string): string =>
  key.length < 3 || key[1] === key[2] ? `${key}${key.at(-1)}` : `${key[0]}${key[2]}${key[1]}${key.slice(3)}`;

/** Every key that the contract's sample writes as `key:`, each place once. */
const KEYS = [...CONTRACT.matchAll(/(?<=^[ -]*|[{,] )([a-z][a-z_0-9]+):(?=\s)/gm)]
  .map(({ 1: key, index }) => ({ key: key as string, index }))
  .filter(({ key }) => explainRows().some((row) => row.key === key || row.key.endsWith(`.${key}`)));

describe("an unknown key", () => {
  it("is tested at every key of the complete sample", () => expect(KEYS.length).toBeGreaterThan(70));

  it.each(KEYS.map(({ key, index }) => [key, CONTRACT.slice(0, index).split("\n").length, index] as const))(
    "%s, misspelled in line %i, is reported with its nearest name",
    (key, line, index) => {
      const text = CONTRACT.slice(0, index) + misspelt(key) + CONTRACT.slice(index + key.length);
      const column = index - CONTRACT.lastIndexOf("\n", index - 1);
      expect(problemsIn(text, stubs)).toContainEqual(
        expect.objectContaining({
          severity: "error",
          code: "OCSGW-6101",
          line,
          column,
          message: `unknown key \`${misspelt(key)}\``,
          help: `did you mean \`${key}\`?`,
        }),
      );
    },
  );

  it("is reported with the known keys if none is near", () => {
    const text = mutated(["    lane_isolation: tenant", "    zzzzzz: tenant"]);
    expect(problemsIn(text)[0]).toMatchObject({
      code: "OCSGW-6101",
      path: "upstreams.ocs-main.zzzzzz",
      help: expect.stringContaining("known: backup, allow_plaintext, standby, lane_isolation") as string,
    });
  });

  it.each<[string, readonly [string, string], string]>([
    ["max_wait", ["    max_body: 64KiB", "    max_wait: 5s"], "`max_wait` belongs under upstreams.<name>.queue"],
    ["keys", ["identity:\n  keys:", "identity:\nkeys:"], "`keys` belongs under identity"],
    ["upstreams", ["    max_body: 64KiB", "    upstreams: {}"], "`upstreams` belongs at the top of the file"],
    ["watch", ["version: 1\n", "version: 1\nwatch: all\n"], "`watch` belongs under config"],
  ])("is reported with the section that has it: %s", (key, change, help) => {
    const found = problemsIn(mutated(change)).find(({ message }) => message === `unknown key \`${key}\``);
    expect(found?.help).toBe(help);
  });

  it("is also an unknown action", () => {
    const text = mutated(["{ AddRecord: { rate", "{ AddRecrod: { rate"]);
    expect(problemsIn(text)[0]).toMatchObject({
      code: "OCSGW-6101",
      ...placeOf(text, "AddRecrod"),
      help: "did you mean `AddRecord`?",
    });
  });

  it("is also a name of a built-in JavaScript property", () => {
    for (const key of ["__proto__", "constructor", "toString"]) {
      const text = mutated(["version: 1\n", `version: 1\n${key}: { x: 1 }\n`]);
      const found = problemsIn(text).find(({ path }) => path === key);
      expect(found).toMatchObject({ code: "OCSGW-6101", ...placeOf(text, key) });
      expect(found?.help).toMatch(/^known: /);
    }
  });
});

describe("a wrong value", () => {
  it.each<[string, readonly [string, string], [string, number?], RegExp, RegExp?]>([
    [
      "a duration without a unit",
      ["connect: 2s", "connect: 2"],
      ["2,"],
      /expected a duration: .* found the number 2$/,
      /in quotes, with its unit/,
    ],
    [
      "a duration of an unknown unit",
      ["connect: 2s", "connect: 2sec"],
      ["2sec"],
      /expected a duration: .*, found "2sec"/,
    ],
    ["no duration at all", ["connect: 2s", "connect: 0s"], ["0s"], /a duration above 0/],
    ["a size in KB", ["64KiB", "64KB"], ["64KB"], /expected a size: .*KiB.*, found "64KB"/],
    ["a rate per fortnight", ["rate: 20/s", "rate: 20/f"], ["20/f"], /expected a rate: .*, found "20\/f"/],
    [
      "an invalid port",
      ["127.0.0.1:8443", "127.0.0.1:70000"],
      ["127.0.0.1:70000"],
      /expected an IP address and a port/,
    ],
    [
      "an invalid address",
      ["127.0.0.1:8443", "127.0.0.300:8443"],
      ["127.0.0.300"],
      /expected an IP address and a port/,
    ],
    ["IPv6 without brackets", ["127.0.0.1:8443", '"::1:8443"'], ['"::1'], /\[::\]:8443/],
    [
      "an invalid network",
      ["    max_body: 64KiB", "    allow_from: [10.0.0.0/33]"],
      ["10.0.0.0/33"],
      /expected a network/,
    ],
    [
      "no network at all",
      ["    max_body: 64KiB", "    allow_from: []"],
      ["[]"],
      /at least one network, for example 10.0.0.0\/8, found an empty list/,
    ],
    [
      "an upstream with a path",
      ["http://127.0.0.1:18080", "http://127.0.0.1:18080/ocs"],
      ["http://127.0.0.1:18080/ocs"],
      /expected scheme:\/\/host:port/,
    ],
    [
      "an upstream with a password",
      ["http://127.0.0.1:18080", "http://u:p@127.0.0.1:18080"],
      ["http://u:p@"],
      /expected scheme:\/\/host:port/,
    ],
    [
      "an upstream of another scheme",
      ["http://127.0.0.1:18080", "tcp://127.0.0.1:18080"],
      ["tcp:"],
      /expected scheme:\/\/host:port/,
    ],
    ["too many lanes", ["connections: 4", "connections: 257"], ["257"], /a whole number from 1 to 256, found 257/],
    ["half a lane", ["connections: 4", "connections: 1.5"], ["1.5"], /a whole number from 1 to 256, found 1.5/],
    ["a number in quotes", ["connections: 4", 'connections: "4"'], ['"4"'], /a whole number/, /without quotes/],
    [
      "a DBID of nothing",
      ["dbid: 102", "dbid: 0"],
      ["0\n    upstream: ocs-main\n    clients:\n      beta"],
      /a DBID: a whole number from 1, found 0/,
    ],
    ["a DBID beyond precision", ["dbid: 102", "dbid: 9007199254740993"], ["9007199254740993"], /a DBID/],
    [
      "an action misspelt",
      ["[Load, StartDialing", "[Load, StartDialling"],
      ["StartDialling"],
      /expected one of 17 known names, found "StartDialling"/,
      /did you mean `StartDialing`/,
    ],
    [
      "a mode misspelt",
      ["lane_isolation: tenant", "lane_isolation: tenat"],
      ["tenat"],
      /expected one of tenant, none, found "tenat"/,
      /did you mean `tenant`/,
    ],
    [
      "a version that is not ours",
      ["version: 1", "version: 2"],
      ["2"],
      /expected 1, the version of this format, found 2/,
    ],
    [
      "a tenant that is a text",
      ['aliases: ["ocs.example.internal:8080"]', "aliases: ocs.example.internal:8080"],
      ["ocs.example.internal:8080"],
      /expected a list, found "ocs/,
    ],
    [
      "a map instead of a list",
      ["    campaigns: [Beta Campaign]", "    campaigns: { a: b }"],
      ["{ a: b }"],
      /expected a list, found a map of keys/,
    ],
    [
      "tls as a word",
      ["tls: none", "tls: maybe"],
      ["maybe"],
      /expected none, or a map with cert and key, found "maybe"/,
    ],
    [
      "HS256",
      ["  # jwt:\n", "  jwt: [{ name: i, issuer: i, audience: a, jwks_file: keys.yaml, algorithms: [HS256] }]\n"],
      ["HS256"],
      /expected one of RS256, .*Ed25519, found "HS256"/,
    ],
    ["a carrier", ["carriers: [basic", "carriers: [bearer"], ["bearer"], /expected basic or "header:<name>"/],
    ["a list's name with a slash", ["[Beta List]", "[Beta/List]"], ["Beta/List"], /a calling list's name/],
    [
      "a name with a hidden character",
      ["[Beta Campaign]", '["Beta\\u200BCampaign"]'],
      ['"Beta\\u200B'],
      /without control characters/,
    ],
    [
      "a content type of a form",
      ["max_body: 64KiB", "accept_content_types: [application/x-www-form-urlencoded]"],
      ["application/x-www-form-urlencoded"],
      /expected a media type in lower case, for example text\/plain, and not one of HTML forms/,
    ],
    [
      "a content type with parameters",
      ["max_body: 64KiB", 'accept_content_types: ["text/plain; charset=utf-8"]'],
      ['"text/plain; charset=utf-8"'],
      /expected a media type/,
    ],
    [
      "a name with an invalid port",
      ["max_body: 64KiB", 'names: ["gw.example:x"]'],
      ['"gw.example:x"'],
      /expected a host name or address without https:\/\/, with or without :port \(:\* for any\)/,
    ],
    ["a reserved field name", ["fields: any", "fields: [gsw_phone]"], ["gsw_phone"], /not beginning with GSW_/],
    [
      "a reserved field name in compatible characters",
      ["fields: any", "fields: [ＧＳＷ_PHONE]"],
      ["ＧＳＷ_PHONE"],
      /not beginning with GSW_/,
    ],
    ["a field that no request can name", ["fields: any", 'fields: ["a\'b"]'], ['"a\'b"'], /no quotes/],
    [
      "a reserved field name to be redacted",
      ["fields: { CUSTOMER_CODE", "fields: { GSW_AGENT_ID"],
      ["GSW_AGENT_ID"],
      /not beginning with GSW_/,
    ],
    ["a client's name with a colon", ["beta-crm:", '"beta:crm":'], ['"beta:crm"'], /1 to 64 letters, digits or/],
    ["a weight of nothing", ["fields: any", "share: 0"], ["0\n    limits"], /a number from 0.001 to 1000, found 0/],
    [
      "a share so small that counting turns would never end",
      ["fields: any", "share: 1e-9"],
      ["1e-9\n    limits"],
      /a number from 0.001 to 1000, found 1e-9/,
    ],
    ["a redaction", ["others: drop", "others: hash"], ["hash"], /expected one of keep, token, last4, drop/],
    [
      "an empty required value",
      ["dir: ./audit", "dir: ~"],
      ["~"],
      /expected a path of a file or directory, found nothing/,
    ],
  ])("%s", (_, change, at, message, help) => {
    const text = mutated(change);
    const found = problemsIn(text).find(({ severity }) => severity === "error");
    expect(found).toMatchObject({ code: "OCSGW-6103", ...placeOf(text, at[0], at[1]) });
    expect(found?.message).toMatch(message);
    if (help) expect(found?.help).toMatch(help);
  });

  it.each<[string, readonly [string, string], RegExp]>([
    [
      "false where true is not quoted",
      ["version: 1\n", 'version: 1\nconfig: { end_marker: "true" }\n'],
      /without quotes/,
    ],
    [
      "yes",
      ["version: 1\n", "version: 1\nconfig: { end_marker: yes }\n"],
      /^write true: the file is read as YAML 1\.2, where yes is a text$/,
    ],
    ["off", ["    connections: 4", "    allow_plaintext: off"], /^write false: .*off is a text$/],
    ["yes for the end marker", ["expect: OCSGW-2101 }\n", "expect: OCSGW-2101 }\nend: yes\n"], /^write true/],
    ["a version in quotes", ["version: 1\n", 'version: "1"\n'], /^write it without quotes/],
    ["a share in quotes", ["    fields: any", '    share: "0.5"'], /^write it without quotes/],
    ["true for a text", ["origin: ocsgw.example.com/main", "origin: true"], /"true" is meant as a text/],
    ["a number for a text", ["origin: ocsgw.example.com/main", "origin: 5"], /in quotes/],
    ["a list for a text", ["origin: ocsgw.example.com/main", "origin: [a]"], /^write one value, without \[ \]/],
    ["a list for a number", ["connections: 4", "connections: [4]"], /^write one value/],
    [
      "a text for a section",
      ["queue: { max: 200, max_wait: 5s }", "queue: 200"],
      /^write its keys .*: max, max_bytes, max_wait$/,
    ],
    [
      "a text for a map of names",
      ["upstreams:\n  ocs-main:", "upstreams: ocs-main\nrest:\n  ocs-main:"],
      /an entry for each name/,
    ],
    ["nothing for a section", ["queue: { max: 200, max_wait: 5s }", "queue:"], /no line below this key is indented/],
    [
      "a field that is OCS's",
      ["fields: any", "fields: [GSW_AGENT_ID]"],
      /OCS's own attributes.*ocsgw help actions.*send_attribute/,
    ],
    [
      "a redacted field that is OCS's",
      ["{ CUSTOMER_CODE", "{ GSW_PHONE"],
      /OCS's own.*redact\.phone, redact\.customer_id$/,
    ],
    ...["dry-run", "dryrun", "false", "off", "shadow", "monitor", "permissive", "report-only", "disabled"].map(
      (mode): [string, readonly [string, string], RegExp] => [
        `mode ${mode}`,
        ["    fields: any", `    mode: ${mode}`],
        /^observe records what .* sends the request anyway; .* enforced in any mode \(ocsgw help policy\)$/,
      ],
    ),
    ["a mode misspelt", ["    fields: any", "    mode: obsreve"], /did you mean `observe`/],
  ])("%s, has a next step", (_what, change, help) => {
    const found = problemsIn(mutated(change)).find(({ code }) => code === "OCSGW-6103");
    expect(found?.help).toMatch(help);
  });

  it.each([
    ["fields: { CUSTOMER_CODE", "fields: { GSW_AGENT_ID", /not beginning with GSW_, found "GSW_AGENT_ID"$/],
    ["beta-crm:", '"beta:crm":', /letters, digits or .*, found "beta:crm"$/],
    ["  ocs-main:\n", '  "ocs main":\n', /letters, digits or .*, found "ocs main"$/],
  ])("shows the name of an entry: %s", (from, to, message) => {
    const found = problemsIn(mutated([from, to])).find(({ code }) => code === "OCSGW-6103");
    expect(found?.message).toMatch(message);
  });

  it("does not take a campaign group's name for a field", () => {
    const text = mutated(['name: "Beta Campaign@Beta Agents"', 'name: "GSW_X "']);
    const found = problemsIn(text).find(({ code }) => code === "OCSGW-6103");
    expect([found?.message.slice(0, 15), found?.help]).toEqual(["expected a name", undefined]);
  });

  it("is reported for min_version without quotes, with the reason", () => {
    const text = mutated(["tls: none\n", "tls: { cert: keys.yaml, key: keys.yaml, min_version: 1.2 }\n"]);
    expect(problemsIn(text)[0]).toMatchObject({
      ...placeOf(text, "1.2 }"),
      message: 'expected one of "1.2", "1.3", found the number 1.2',
      help: 'write it in quotes: "1.2"',
    });
  });

  it.each([
    ["listeners", "listeners:\n"],
    ["audit.dir", "  dir: ./audit\n"],
    ["audit.index_key", "  index_key: ${OCSGW_INDEX_KEY:-for-a-trial-only-not-a-secret-at-all}\n"],
    ["tenants[1].dbid", "    dbid: 102\n"],
    ["upstreams.ocs-main.primary", "    primary: http://127.0.0.1:18080\n"],
    ["listeners[0].tls", "    tls: none\n"],
  ])("is reported if %s is missing", (path, piece) => {
    const key = piece.trim().split(":")[0] ?? "";
    const text = mutated([piece, path === "listeners" ? "elsewhere:\n" : ""]);
    expect(problemsIn(text)).toContainEqual(
      expect.objectContaining({
        code: "OCSGW-6102",
        path,
        message: expect.stringContaining(`\`${key}\` is missing; expected`) as string,
      }),
    );
  });

  it("is not shown if it is a secret or was interpolated", () => {
    const problemsText = JSON.stringify([
      ...problemsIn(
        mutated(["index_key: ${OCSGW_INDEX_KEY:-for-a-trial-only-not-a-secret-at-all}", "index_key: [hunter2]"]),
      ),
      ...problemsIn(mutated(["connect: 2s", "connect: ${PASSWORD}"]), { env: { PASSWORD: "hunter2" } }),
      ...problemsIn(mutated(["  retention: 1855d", "  retention: 1855d\n  index_key: [hunter2]"])),
    ]);
    expect(problemsText).not.toContain("hunter2");
    expect(problemsText).toContain("expected { epoch: t1, secret: … }, found another value");
    expect(problemsText).toContain("found another value");
  });
});

describe("an index_key of another shape", () => {
  const SHAPE = "expected a text of 32 characters or more, or a list of { epoch: t1, secret: … }";
  it.each([
    ["{ t1: abc }", "audit.index_key", `${SHAPE}, found a map of keys`],
    ["12", "audit.index_key", `${SHAPE}, found a number`],
    ["~", "audit.index_key", `${SHAPE}, found nothing (~)`],
    ["[abc]", "audit.index_key[0]", "expected { epoch: t1, secret: … }, found another value"],
    ["[{ epoch: t1, secret: 1 }]", "audit.index_key[0].secret", "expected a text, found a number"],
  ])("%s is reported with the expected shape", (shape, path, message) => {
    const text = mutated([
      "index_key: ${OCSGW_INDEX_KEY:-for-a-trial-only-not-a-secret-at-all}",
      `index_key: ${shape}`,
    ]);
    expect(problemsIn(text)).toContainEqual(expect.objectContaining({ path, message }));
  });
});

describe("the schema tree", () => {
  it("has the keys of each section", () => {
    expect(keysAt(["listeners", 0, "tls"])).toEqual([
      "cert",
      "key",
      "min_version",
      "client_ca",
      "client_certificates",
      "client_crl",
    ]);
    expect(keysAt(["tenants", 3, "limits", "actions"])).toContain("ReadStatus");
    expect(keysAt(["version"])).toEqual([]);
  });

  it("explains every key in a sentence", () => {
    const rows = explainRows();
    expect(rows.length).toBeGreaterThan(90);
    for (const { key, explanation } of rows) expect(explanation, key).toMatch(/^[A-Z"\w].*\.$/);
  });
});
