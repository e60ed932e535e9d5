import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createKey } from "../../../src/settings/files/api-key.ts";
import { addKey, readKeys, revokeKey } from "../../../src/settings/files/keys-file.ts";
import { readRows } from "../../../src/settings/files/keys-rows.ts";

/** A comment that is no row's: with it the file is read as YAML. */
const asYaml = (text: string): string => `# é\n${text}`;

const WORDS = [
  "alpha",
  "a.b",
  "0abc",
  "1e5",
  "12345678",
  "0x12ab",
  "0o17",
  "1.5",
  "null",
  "True",
  "no",
  "a-1",
  "x".repeat(64),
  "é",
  "",
  "~",
  "- a",
  "a: b",
  '"7"',
  '"null"',
  '"a',
  'a"',
  "y_1",
  "2026-01-01",
];
const TIMES = [
  "2026-11-22T12:00:00Z",
  "2026-02-30T12:00:00Z",
  "2026-11-22T24:00:00Z",
  "2026-11-22T12:00:60Z",
  "2026-11-22T12:00:00.5Z",
  "yesterday",
  "0000-01-01T00:00:00Z",
];
const NAMES = [
  "[ a ]",
  "[ Alpha Tenant ]",
  '[ "102" ]',
  "[ 102 ]",
  "[ a, b ]",
  "[ null ]",
  '[ "a, b" ]',
  "[ a , b ]",
  "[]",
  "a",
];

/** Mostly the first of them, so that most rows have one oddity at most. */
const mostly = (values: readonly string[]) =>
  fc.oneof({ weight: 12, arbitrary: fc.constant(values[0]!) }, { weight: 3, arbitrary: fc.constantFrom(...values) });
const word = fc.oneof(
  { weight: 8, arbitrary: fc.stringMatching(/^[a-z]{6}$/) },
  { weight: 3, arbitrary: fc.constantFrom(...WORDS) },
);
const time = mostly(TIMES);
const row = fc
  .tuple(
    word,
    word,
    fc.integer({ min: 0, max: 9 }),
    time,
    fc.option(time),
    fc.option(fc.constantFrom(...NAMES)),
    fc.option(time),
    mostly(["", " # c", "#c", ",", " }"]),
  )
  .map(
    ([id, client, hash, created, expires, tenants, revoked, rest]) =>
      `  - { id: ${id}, client: ${client}, hash: sha256:${String(hash).repeat(64)}, created: ` +
      `${created}${expires === null ? "" : `, expires: ${expires}`}` +
      `${tenants === null ? "" : `, tenants: ${tenants}`}${revoked === null ? "" : `, revoked: ${revoked}`} ` +
      `}${rest}\n`,
  );
const between = mostly(["", "\n", "# a comment\n", "   # c\n", "\t\n", "end: true\n", "  text: x\n", "---\n", "...\n"]);

describe("the lines of a keys file", () => {
  it("are parsed like YAML, or not at all", () => {
    let asRows = 0;
    fc.assert(
      fc.property(fc.array(fc.tuple(row, between), { minLength: 1, maxLength: 3 }), fc.boolean(), (rows, cut) => {
        const whole = `version: 1\nkeys:\n${rows.flat().join("")}`;
        const text = cut ? whole.slice(0, -1) : whole;
        const found = readRows(text);
        if (!found) return;
        asRows++;
        // Ids may be there twice: of that YAML says where.
        const read = readKeys(asYaml(text), "keys.yaml");
        const isTwice = !read.ok && read.problems.every(({ code }) => code === "OCSGW-6251");
        expect(isTwice || read).toEqual(isTwice || { ok: true, ...found });
      }),
      { numRuns: 3000, seed: 7 },
    );
    expect(asRows).toBeGreaterThan(100);
  });

  it("are parsed as `ocsgw keys` writes them", async () => {
    const dir = await mkdtemp(join(tmpdir(), "ocsgw-rows-"));
    try {
      const file = join(dir, "keys.yaml");
      const ids: string[] = [];
      for (const [at, tenants] of [null, ["Alpha Tenant"], ["102", "Beta"]].entries()) {
        const { id, hash } = createKey();
        await addKey(file, {
          id,
          client: `client-${at}`,
          hash,
          created: at * 1000,
          expires: at === 1 ? 86_400_000 : null,
          tenants,
        });
        ids.push(id);
      }
      await revokeKey(file, ids[1]!, 5000);
      const text = await readFile(file, "utf8");
      expect(
        readRows(text)?.keys.map(({ id, expires, revoked, tenants }) => ({ id, expires, revoked, tenants })),
      ).toEqual([
        { id: ids[0], expires: null, revoked: null, tenants: null },
        { id: ids[1], expires: 86_400_000, revoked: 5000, tenants: ["Alpha Tenant"] },
        { id: ids[2], expires: null, revoked: null, tenants: ["102", "Beta"] },
      ]);
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  });

  it("may end with the end marker, which nothing may follow", () => {
    const one =
      "version: 1\nkeys:\n" +
      `  - { id: a, client: a, hash: sha256:${"0".repeat(64)}, created: 2026-11-22T12:00:00Z }\n`;
    expect(readKeys(one, "k")).toMatchObject({ ok: true, isEnded: false });
    for (const text of [`${one}end: true\n`, asYaml(`${one}end: true\n`)])
      expect(readKeys(text, "k")).toMatchObject({ ok: true, isEnded: true });
    expect(readKeys(`${one}end: true\nkeys2: []\n`, "k")).toMatchObject({
      ok: false,
      problems: expect.arrayContaining([expect.objectContaining({ code: "OCSGW-6350" })]) as object[],
    });
    expect(readKeys(`end: true\n${one}`, "k")).toMatchObject({
      ok: false,
      problems: [{ code: "OCSGW-6350", line: 1, column: 1 }],
    });
    expect(readKeys(`${one}end: false\n`, "k")).toMatchObject({ ok: false, problems: [{ code: "OCSGW-6103" }] });
  });
});
