/**
 * The sample with one thing changed, and what `check` prints of it. `OCSGW_GOLDEN=write` writes down what is printed
 * now, to be read before it is kept.
 */
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { check } from "../../src/cli/check/check.ts";
import { createAuthority } from "../../src/sandbox/server/certificates.ts";
import { CORPUS, FOLDER, written, type Mistake } from "./corpus.ts";
import { mutated, SAMPLE } from "./kit.ts";
import { patternOf } from "../kit/pattern.ts";

const directory = await mkdtemp(join(tmpdir(), "ocsgw-mutations-"));
afterAll(() => rm(directory, { recursive: true }));

const authority = createAuthority("mutations");
const [one, other] = [
  authority.issue({ names: ["localhost"], usage: "serverAuth" }),
  authority.issue({ names: ["localhost"], usage: "serverAuth" }),
];
const keyLine = (client: string): string =>
  `  - { id: ${client}, client: ${client}, hash: "sha256:${createHash("sha256").update(client).digest("hex")}", ` +
  `created: 2026-01-01T00:00:00Z }\n`;
const BESIDE: Readonly<Record<string, string>> = {
  "keys.yaml": `version: 1\nkeys:\n${["alpha-ors", "alpha-ops", "beta-crm", "beta-ops"].map(keyLine).join("")}`,
  "broken-keys.yaml":
    'version: 1\nkeys:\n  - { id: k, client: alpha-ors, hash: "md5:00", created: ' + "2026-01-01T00:00:00Z }\n",
  "server.crt": one.certPem,
  "server.key": one.keyPem,
  "other.key": other.keyPem,
  "ca.crt": authority.certPem,
  "empty.pem": "",
  "jwks.json": JSON.stringify({ keys: [{ kty: "oct", k: "AAAA", kid: "shared-secret" }] }),
};
for (const [name, text] of Object.entries(BESIDE)) await writeFile(join(directory, name), text, { mode: 0o600 });
await mkdir(join(directory, "folder"));
await symlink("loop", join(directory, "loop"));

/** As `check` prints it, without the folder and the time it took. */
const printedFor = async ({ taken, put }: Mistake): Promise<string> => {
  const config = join(directory, "ocsgw.yaml");
  await writeFile(config, taken === "" ? `${put}\n` : mutated([taken, put]));
  const said: string[] = [];
  await check({ config }, { stdout: { write: (text) => said.push(text) }, env: {} });
  return said
    .join("")
    .replaceAll(`${directory}/`, "")
    .replace(/\d+ ms\n$/, "N ms")
    .trim();
};

if (process.env["OCSGW_GOLDEN"] === "write") {
  for (const { name, mistakes } of CORPUS) {
    const texts: string[] = [];
    for (const each of mistakes) texts.push(written({ ...each, printed: await printedFor(each) }));
    await writeFile(join(FOLDER, name), texts.join("\n"));
  }
}

describe.each(CORPUS)("mistakes of $name", ({ mistakes }) => {
  it.each(mistakes.map((each) => [each.title, each] as const))("%s", async (_title, each) => {
    const printed = await printedFor(each);
    expect(printed).toBe(each.printed);
    expect(printed).not.toMatch(/^\s+at .*:\d+:\d+\)?$/m);
  });
});

describe("the corpus of mistakes", () => {
  const all = CORPUS.flatMap(({ mistakes }) => mistakes);

  it("has more than a hundred different mistakes", () => {
    expect(all.length).toBeGreaterThan(100);
    expect(new Set(all.map(({ title }) => title)).size).toBe(all.length);
    expect(new Set(all.map(({ taken, put }) => `${taken}\0${put}`)).size).toBe(all.length);
  });

  it("has a code, a place with its line, and a result for each", () => {
    for (const { title, printed } of all) {
      expect(printed, title).toMatch(/^(error|warning)\[OCSGW-6\d{3}\]: \S/);
      expect(printed, title).toMatch(/^ +--> ocsgw\.yaml:\d+:\d+\n *\d+ \| /m);
      expect(printed.split("\n").at(-1), title).toMatch(/^(\d+ errors?.* in|ok {2})(?= ?ocsgw\.yaml)/);
    }
  });

  it("says for each problem what to do, or what was expected", () => {
    for (const { title, printed } of all)
      for (const problem of printed.split("\n\n").slice(0, -1))
        expect(problem, title).toMatch(/^help: \S|^error\[OCSGW-610[23]\]: (?:expected |`\w+` is missing; expected )/m);
  });

  it("reports nothing for the sample itself", async () => {
    expect(await printedFor({ title: "", taken: SAMPLE, put: SAMPLE, printed: "" })).toMatch(
      patternOf(
        /^ok {2}ocsgw\.yaml: 2 tenants, 4 clients, 1 upstream \(4 lanes\), 4 policy tests passed; /,
        /needs TimeoutStopSec=35s or more\. N ms$/,
      ),
    );
  });
});
