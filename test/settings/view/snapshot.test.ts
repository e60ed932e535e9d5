/** Snapshots of configs: masked, and comparable with later ones. */
import { describe, expect, it } from "vitest";
import { differences } from "../../../src/settings/diff/diff.ts";
import { partOf } from "../../../src/settings/files/config-text.ts";
import { NO_CACHE } from "../../../src/settings/files/merge-files.ts";
import { rawOf } from "../../../src/settings/view/config-rows.ts";
import { scrubber } from "../../../src/settings/view/hidden.ts";
import { readSnapshot, snapshotDifferences, snapshotOf, type Snapshot } from "../../../src/settings/view/snapshot.ts";
import { mutated, origin, read, SAMPLE } from "../kit.ts";

const SECRET = "s3cret-of-a-snapshot-0123456789abcdef";

type Given = { readonly env?: Readonly<Record<string, string>>; readonly key?: string };

const loadedFrom = (text: string, { env = {}, key = SECRET }: Given = {}) => {
  const { readFile } = origin();
  const loaded = read(text, {
    env: { OCSGW_INDEX_KEY: key, ...env },
    readFile: (path) => (path.endsWith("index.key") ? key : readFile(path)),
  });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  return loaded;
};

const taken = (text: string, given?: Given): Snapshot => {
  const { hash, settings, files } = loadedFrom(text, given);
  const raw = rawOf({ main: partOf("ocsgw.yaml", text), tenants: [] }, NO_CACHE);
  // As it is written to its file and read again.
  return readSnapshot(JSON.stringify(snapshotOf({ hash, settings, files, raw })))!;
};

const ISSUER = "    - name: corp-idp\n";
const withIssuer = (jwks: string, issuer = "https://idp.example.com/"): string =>
  `${SAMPLE}`.replace(
    /identity:\n/,
    () => `identity:\n  jwt:\n${ISSUER}      issuer: "${issuer}"\n      audience: ocs\n      jwks_uri: "${jwks}"\n`,
  );

describe("a snapshot", () => {
  it("tells the same differences as the configs themselves", () => {
    const changed = mutated(
      ["requests: { rate: 50/s, burst: 100 }", "requests: { rate: 20/s }"],
      ["campaigns: [Alpha Campaign, Alpha Winback]", "campaigns: [Alpha Campaign]"],
    );
    const told = differences(loadedFrom(SAMPLE), loadedFrom(changed));
    expect(told.length).toBeGreaterThan(0);
    expect(snapshotDifferences(taken(SAMPLE), taken(changed))).toEqual(told);
    expect(snapshotDifferences(taken(SAMPLE), taken(`${SAMPLE}# a comment\n`))).toEqual([]);
  });

  it("has no secret, no query of an address, and no text from the environment", () => {
    const text = withIssuer(`https://idp.example.com/keys?token=${SECRET}`, "${ISSUER}");
    const snapshot = taken(text, { env: { ISSUER: `https://${SECRET}/` } });
    expect(JSON.stringify(snapshot)).not.toContain(SECRET);
    expect(JSON.stringify(snapshot)).toContain("https://idp.example.com/keys?•••");
  });

  it("has no user of an address that stands in a text", () => {
    const keys = "https://idp.example.com/keys";
    const [one, two] = ["one", "two"].map((name) => withIssuer(keys, `https://${name}:${SECRET}@idp.example.com/`));
    expect(JSON.stringify(taken(one!))).not.toContain(SECRET);
    expect(snapshotDifferences(taken(one!), taken(two!))).toHaveLength(1);
    expect(JSON.stringify(snapshotDifferences(taken(one!), taken(two!)))).not.toMatch(/one|two/);
    expect(differences(loadedFrom(one!), loadedFrom(two!))).toEqual(["identity.jwt.corp-idp.issuer changed"]);
  });

  it.each([
    ["a secret", taken(SAMPLE), taken(SAMPLE, { key: `${SECRET}-2` }), /^audit\.index_key changed$/],
    [
      "the query of an address",
      taken(withIssuer("https://idp.example.com/keys?a=1")),
      taken(withIssuer("https://idp.example.com/keys?a=2")),
      /^identity\.jwt\.corp-idp\.jwks_uri changed$/,
    ],
    [
      "a text from the environment",
      taken(withIssuer("https://idp.example.com/keys", "${ISSUER}"), { env: { ISSUER: "one" } }),
      taken(withIssuer("https://idp.example.com/keys", "${ISSUER}"), { env: { ISSUER: "two" } }),
      /^identity\.jwt\.corp-idp\.issuer ••• -> •••$/,
    ],
  ])("tells that %s changed, and not the value", (_name, before, after, sentence) => {
    expect(snapshotDifferences(before, after)!.filter((each) => sentence.test(each))).toHaveLength(1);
    expect(snapshotDifferences(before, before)).toEqual([]);
  });

  it("of another shape cannot be compared", () => {
    expect(readSnapshot('{"format":2,"files":[]}')).toBeUndefined();
    expect(readSnapshot("not JSON")).toBeUndefined();
    const odd: Snapshot = { format: 1, hash: "", settings: { tenants: 1 }, files: [] };
    expect(snapshotDifferences(odd, taken(SAMPLE))).toBeUndefined();
  });
});

describe("differences", () => {
  it("do not tell a list of index keys as changed that is the same", () => {
    const listed = (epochs: string): string => SAMPLE.replace(/^ {2}index_key: .*/m, () => `  index_key: [${epochs}]`);
    const one = `{ epoch: t1, secret: ${SECRET} }`;
    const two = `{ epoch: t2, secret: ${SECRET}-2 }`;
    expect(differences(loadedFrom(listed(one)), loadedFrom(`${listed(one)}# a comment\n`))).toEqual([]);
    expect(differences(loadedFrom(listed(one)), loadedFrom(listed(`${one}, ${two}`)))).toEqual([
      "audit.index_key changed",
    ]);
  });
});

describe("the barrier for sentences", () => {
  it.each([
    [`found "${SECRET}"`, 'found "•••"'],
    ["cannot read https://me:pass@host/x", "cannot read https://•••@host/x"],
    ["GET https://host/x?token=abc failed", "GET https://host/x?••• failed"],
    ["found -----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY----- here", "found ••• here"],
    ["found -----BEGIN PRIVATE KEY-----\nMIIE", "found •••"],
    ["cannot read keys.yaml", "cannot read keys.yaml"],
  ])("%j", (text, shown) => expect(scrubber([SECRET, "x"])(text)).toBe(shown));
});
