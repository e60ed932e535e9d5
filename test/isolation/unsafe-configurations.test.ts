/**
 * Configurations under which one tenant could reach what is another's, or anybody everything. `check` refuses each with
 * file, line and reason. Every one is the sample, which is fine, with something changed as it is changed in the field.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { check } from "../../src/cli/check/check.ts";
import type { Problem } from "../../src/settings/problems/problem.ts";
import { mutated, placeOf } from "../settings/kit.ts";

type Change = readonly [from: string, to: string];
type Unsafe = {
  readonly says: string;
  readonly changes: readonly Change[];
  readonly code: string;
  readonly at: readonly [piece: string, nth?: number];
  readonly reason: RegExp;
};

const BETA_ELSEWHERE: Change = [
  "  - name: Beta Tenant\n    dbid: 102\n    upstream: ocs-main",
  "  - name: Beta Tenant\n    dbid: 102\n    upstream: ocs-two",
];
const OCS_TWO = (rest: string): Change => ["tenants:\n", `  ocs-two: { ${rest} }\ntenants:\n`];
const ISSUER = (rest: string): Change => [
  "  # jwt:\n",
  `  jwt:\n    - { name: idp, issuer: "https://idp.example/", audience: us${rest} }\n  # jwt:\n`,
];

const UNSAFE: readonly Unsafe[] = [
  {
    says: "a shared OCS and nothing said of record handles",
    changes: [["    records: unscoped\n    limits", "    limits"]],
    code: "6222",
    at: ["name: Beta Tenant"],
    reason: /`records` is required .* record handles do not show which tenant owns them/,
  },
  {
    says: "two tenants on an OCS that is dedicated to one",
    changes: [["records: unscoped\n    fields", "records: dedicated\n    fields"]],
    code: "6221",
    at: ["dedicated"],
    reason: /shares its OCS with another tenant/,
  },
  {
    says: "an OCS dedicated to two tenants under two names",
    changes: [
      BETA_ELSEWHERE,
      OCS_TWO('primary: "https://127.0.0.1:18080"'),
      ["records: unscoped\n    fields", "records: dedicated\n    fields"],
      ["records: unscoped\n    limits", "records: dedicated\n    limits"],
    ],
    code: "6221",
    at: ["dedicated", 1],
    reason: /shares its OCS with another tenant/,
  },
  {
    says: "a backup that is another tenant's dedicated OCS",
    changes: [
      BETA_ELSEWHERE,
      OCS_TWO('primary: "https://ocs2.example:8443", backup: "http://127.0.0.1:18080"'),
      ["records: unscoped\n    limits", "records: dedicated\n    limits"],
    ],
    code: "6221",
    at: ["dedicated"],
    reason: /shares its OCS with another tenant/,
  },
  {
    says: "one DBID for two tenants",
    changes: [["dbid: 102", "dbid: 101"]],
    code: "6202",
    at: ["101", 1],
    reason: /two tenants of one OCS have the DBID 101/,
  },
  {
    says: "one name for two tenants",
    changes: [["name: Beta Tenant", "name: Alpha Tenant"]],
    code: "6201",
    at: ["Alpha Tenant", 1],
    reason: /two tenants of one OCS are named/,
  },
  {
    says: "the tenant DBID 0, which is the whole environment",
    changes: [["dbid: 102", "dbid: 0"]],
    code: "6103",
    at: ["0\n    upstream"],
    reason: /a DBID: a whole number from 1/,
  },
  {
    says: "a negative tenant DBID",
    changes: [["dbid: 102", "dbid: -1"]],
    code: "6103",
    at: ["-1\n    upstream"],
    reason: /a DBID: a whole number from 1/,
  },
  {
    says: "lists whose names differ in case alone",
    changes: [["lists: [Beta List]", "lists: [alpha list]"]],
    code: "6208",
    at: ["alpha list"],
    reason: /belongs to two tenants of one OCS/,
  },
  {
    says: "lists whose names differ in width alone (NFKC)",
    changes: [["lists: [Beta List]", 'lists: ["Ａlpha List"]']],
    code: "6208",
    at: ['"Ａlpha'],
    reason: /belongs to two tenants of one OCS/,
  },
  {
    says: "lists whose names differ in blanks alone",
    changes: [["lists: [Beta List]", 'lists: ["Alpha  List"]']],
    code: "6208",
    at: ['"Alpha  List"'],
    reason: /belongs to two tenants of one OCS/,
  },
  {
    says: "a list named with a format character that nobody sees",
    changes: [["lists: [Beta List]", 'lists: ["Alpha\u200B List"]']],
    code: "6103",
    at: ['"Alpha\u200B'],
    reason: /a calling list's name/,
  },
  {
    says: "a campaign of two tenants",
    changes: [["campaigns: [Beta Campaign]", "campaigns: [Beta Campaign, Alpha Winback]"]],
    code: "6207",
    at: ["Alpha Winback]", 1],
    reason: /the campaign "Alpha Winback" belongs to two tenants/,
  },
  {
    says: "a campaign group of two tenants",
    changes: [["dbid: 208", "dbid: 106"]],
    code: "6204",
    at: ["106, name", 1],
    reason: /the campaign group DBID 106 belongs to two tenants/,
  },
  {
    says: "a campaign group's ids under two tenants",
    changes: [['"Beta Campaign@Beta Agents"', '"B@B", campaign_id: 139, group_id: 234']],
    code: "6206",
    at: ["139", 1],
    reason: /belongs to two tenants/,
  },
  {
    says: "a grant over another tenant's campaign group",
    changes: [["campaign_groups: [106]", "campaign_groups: [106, 208]"]],
    code: "6209",
    at: ["208"],
    reason: /208 is not a campaign group of "Alpha Tenant"/,
  },
  {
    says: "a client that cannot say for which of two like-named tenants it speaks",
    changes: [
      OCS_TWO('primary: "https://ocs2.example:1"'),
      [
        "name: Beta Tenant\n    dbid: 102\n    upstream: ocs-main",
        "name: Alpha Tenant\n    dbid: 101\n    upstream: ocs-two",
      ],
      ["beta-crm:", "alpha-ors:"],
    ],
    code: "6210",
    at: ["alpha-ors:", 1],
    reason: /cannot choose between two tenants "Alpha Tenant"/,
  },
  {
    says: "a field list that lets a GSW_ name through",
    changes: [["fields: any", "fields: [GSW_TENANT_DBID]"]],
    code: "6103",
    at: ["GSW_TENANT_DBID"],
    reason: /not beginning with GSW_/,
  },
  {
    says: "an action for everything",
    changes: [["beta-crm: { actions: [AddRecord,", 'beta-crm: { actions: ["*",']],
    code: "6103",
    at: ['"*"'],
    reason: /expected .*RecordProcessed/,
  },
  {
    says: "a misspelt key, after which a default would count",
    changes: [["    records: unscoped\n    fields", "    record: unscoped\n    fields"]],
    code: "6101",
    at: ["record: unscoped\n    fields"],
    reason: /unknown key `record`/,
  },
  {
    says: "one key twice, of which one would count",
    changes: [["    records: unscoped\n    fields", "    records: pre-dial\n    records: unscoped\n    fields"]],
    code: "6003",
    at: ["records: unscoped"],
    reason: /duplicate key/,
  },
  {
    says: "no identity at all",
    changes: [['identity:\n  keys:\n    file: keys.yaml\n    carriers: [basic, "header:X-Api-Key"]\n', ""]],
    code: "6241",
    at: ["#"],
    reason: /no client can authenticate/,
  },
  {
    says: "tokens with a shared secret",
    changes: [ISSUER(", jwks_file: keys.yaml, algorithms: [HS256]")],
    code: "6103",
    at: ["HS256"],
    reason: /expected .*RS256/,
  },
  {
    says: "tokens without a signature",
    changes: [ISSUER(", jwks_file: keys.yaml, algorithms: [none]")],
    code: "6103",
    at: ["none] }"],
    reason: /expected .*RS256/,
  },
  {
    says: "an issuer's keys over plain http",
    changes: [ISSUER(', jwks_uri: "http://idp.example/k"')],
    code: "6243",
    at: ['"http://idp.example/k"'],
    reason: /could replace them and forge tokens/,
  },
  {
    says: "tokens that count for days after they have expired",
    changes: [ISSUER(", jwks_file: keys.yaml, clock_skew: 3d")],
    code: "6249",
    at: ["3d"],
    reason: /long after they have expired/,
  },
  {
    says: "keys carried in a header that proxies write",
    changes: [['"header:X-Api-Key"', '"header:X-Forwarded-User"']],
    code: "6248",
    at: ['"header:X-Forwarded-User"'],
    reason: /API keys cannot be sent in the header/,
  },
  {
    says: "client certificates demanded, and no authority to judge them",
    changes: [["tls: none\n", "tls: { cert: keys.yaml, key: keys.yaml, client_certificates: require }\n"]],
    code: "6235",
    at: ["require }"],
    reason: /client_ca is missing/,
  },
  {
    says: "TLS of another century",
    changes: [["tls: none\n", 'tls: { cert: keys.yaml, key: keys.yaml, min_version: "1.0" }\n']],
    code: "6103",
    at: ['"1.0"'],
    reason: /1\.2/,
  },
  {
    says: "keys and numbers in clear to the network",
    changes: [["bind: 127.0.0.1:8443", "bind: 0.0.0.0:8443"]],
    code: "6233",
    at: ["none"],
    reason: /others could read credentials and phone numbers/,
  },
  {
    says: "keys and numbers in clear, allowed from everywhere",
    changes: [
      ["bind: 127.0.0.1:8443\n    tls: none", 'bind: 0.0.0.0:8443\n    allow_from: ["0.0.0.0/0"]\n    tls: none'],
    ],
    code: "6233",
    at: ["none"],
    reason: /others could read credentials and phone numbers/,
  },
  {
    says: "the admin listener in clear to the network",
    changes: [["admin: { bind: 127.0.0.1:9640 }", "admin: { bind: 10.0.0.7:9640, tls: none }"]],
    code: "6234",
    at: ["10.0.0.7"],
    reason: /has no TLS and is not on loopback/,
  },
  {
    says: "OCS over plain http across the network",
    changes: [["http://127.0.0.1:18080", "http://10.1.2.3:18080"]],
    code: "6223",
    at: ["http://10.1.2.3"],
    reason: /could read and change names, phone numbers/,
  },
  {
    says: "a CA for OCS, and OCS over http",
    changes: [["    connections: 4", "    tls: { ca: keys.yaml }\n    connections: 4"]],
    code: "6227",
    at: ["keys.yaml }"],
    reason: /has no effect/,
  },
  {
    says: "the gateway as its own OCS",
    changes: [["http://127.0.0.1:18080", "http://127.0.0.1:8443"]],
    code: "6228",
    at: ["http://127.0.0.1:8443"],
    reason: /the gateway itself/,
  },
];

const directory = await mkdtemp(join(tmpdir(), "ocsgw-unsafe-"));
afterAll(() => rm(directory, { recursive: true }));
await writeFile(join(directory, "keys.yaml"), "version: 1\nkeys: []\n");
const file = join(directory, "ocsgw.yaml");

/** What `ocsgw check --json` says, and its exit code. */
const checked = async (text: string): Promise<{ code: number; problems: readonly Problem[] }> => {
  await writeFile(file, text);
  const said: string[] = [];
  const code = await check(
    { config: file, json: true },
    { stdout: { write: (piece: string) => said.push(piece), isTTY: false }, env: {} },
  );
  return { code, problems: JSON.parse(said.join("")) as Problem[] };
};

describe("an unsafe configuration", () => {
  it("is one of at least twenty-five, and the sample is none", async () => {
    expect(UNSAFE.length).toBeGreaterThanOrEqual(25);
    expect(new Set(UNSAFE.map(({ changes }) => JSON.stringify(changes))).size).toBe(UNSAFE.length);
    const { code, problems } = await checked(mutated());
    expect([code, problems.filter(({ severity }) => severity === "error")]).toEqual([0, []]);
  });

  it.each(UNSAFE.map((each) => [each.says, each] as const))(
    "is refused: %s",
    async (_, { changes, code, at, reason }) => {
      const text = mutated(...changes);
      const { code: exit, problems } = await checked(text);
      expect(exit).toBe(3);
      const place = placeOf(text, ...at);
      const found = problems.find((problem) => problem.code === `OCSGW-${code}` && problem.line === place.line);
      expect(found, `${code} at line ${place.line} in ${JSON.stringify(problems, null, 1)}`).toMatchObject({
        severity: "error",
        file,
        ...place,
      });
      expect(`${found!.message} ${found!.help}`).toMatch(reason);
    },
  );
});
