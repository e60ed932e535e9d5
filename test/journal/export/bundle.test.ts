import { createHash } from "node:crypto";
import { appendFile, cp, mkdir, readFile, readdir, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { NotProvable } from "../../../src/journal/export/bundle-entries.ts";
import { writeBundle } from "../../../src/journal/export/bundle.ts";
import { parseFilter } from "../../../src/journal/search/filter/filter.ts";
import { unknownNames } from "../../../src/journal/search/filter/vocabulary.ts";
import { signCheckpoint, verifierKey } from "../../../src/journal/integrity/checkpoints/signed-note.ts";
import { printBundle, verifyBundle } from "../../../src/journal/verify/bundle/bundle.mjs";
import { JournalSearch } from "../../../src/journal/search/journal-search.ts";
import { unpack } from "../../../src/journal/verify/segments/unpack.ts";
import { run } from "../../kit/command.ts";
import { describeWith, programOf } from "../../kit/machine.ts";
import { compressSegments } from "../../../src/journal/segments/compress.ts";
import { nodeDisk } from "../../../src/journal/disk.ts";
import { paths } from "../../../src/journal/paths.ts";
import { extendTiles } from "../../../src/journal/integrity/tiles.ts";
import {
  ORIGIN,
  aDirectory,
  aDoNotCall,
  aKey,
  anIntent,
  anOutcome,
  linesOf,
  openWithCheckpoints,
  removeDirectory,
  segmentsOf,
  writeLines,
} from "../kit.ts";

const key = aKey();
let [dir, whole, work, vkey] = ["", "", "", ""];
let size = 0;

const bundle = (filter: string, out: string) =>
  writeBundle(
    { dir, filter: parseFilter(filter), size, by: "rw", purpose: "audit", version: "1.2.3", configHash: "7c1e" },
    out,
  );

beforeAll(async () => {
  [dir, whole] = [await aDirectory(), await aDirectory()];
  const { journal, checkpoints, close } = await openWithCheckpoints(dir, key, { segmentBytes: 60_000 });
  for (let number = 0; number < 400; number++) {
    const alpha = number % 2 === 0;
    for (const entry of aDoNotCall(number, {
      action: number % 3 === 0 ? "DoNotCall" : "AddRecord",
      ...(alpha ? {} : { tenant: { dbid: 102, name: "Beta <Tenant>" } }),
      ...(number % 9 === 0 && { refused: "OCSGW-2104" }),
    }))
      await journal.append(entry);
  }
  for (const query of ["action:DoNotCall tenant:101", "status:403", "client:nobdy", ""])
    await journal.append({ kind: "access", user: "rw", operation: "export", ...(query && { query }) });
  await close();
  [size, vkey] = [checkpoints.last().size, checkpoints.verifierKey];
  await bundle("action:DoNotCall tenant:101", join(whole, "b"));
});
afterAll(async () => {
  for (const each of [dir, whole]) await removeDirectory(each);
});
beforeEach(async () => {
  work = await aDirectory();
  await cp(join(whole, "b"), join(work, "b"), { recursive: true });
});
afterEach(() => removeDirectory(work));

const at = (name: string): string => join(work, "b", name);
const edit = async (name: string, change: (text: string) => string): Promise<void> =>
  writeFile(at(name), change(await readFile(at(name), "utf8")));
const verified = () => verifyBundle(join(work, "b"), vkey);

describe("a bundle", () => {
  it("contains the requested entries byte for byte; proves each line and that no Do-Not-Call is missing", async () => {
    const report = await verified();
    expect(report).toMatchObject({
      verdict: "ok",
      findings: [],
      missing: [],
      inDoubt: 0,
      checkpoint: { origin: ORIGIN, size },
      sequences: [{ dbid: 101, first: 1, last: 67, missing: 0, said: 67, complete: true }],
    });
    expect(report.proved).toBe(report.events);
    const all = (await Promise.all((await segmentsOf(dir)).map((segment) => linesOf(dir, segment)))).flat();
    const lines = (await readFile(at("events.ndjson"), "utf8")).split("\n").slice(0, -1);
    expect(lines.length).toBeGreaterThan(100);
    expect(lines.filter((line) => !all.includes(line))).toEqual([]);
    expect(report.notProved.join()).toContain("that is proved only for a tenant's Do-Not-Calls");
  });

  it("without a match says so in each file, and warns about names that neither config nor journal has", async () => {
    const filter = parseFilter("client:nobdy");
    const names = unknownNames(filter, { actions: [], codes: [], names: { client: ["nobody"] } });
    const out = join(work, "none");
    const warning = "client:nobdy: there is no such client in the config or in the journal; did you mean nobody?";
    expect(
      await writeBundle(
        { dir, filter, names, size, by: "rw", purpose: "audit", version: "1", configHash: "7c1e" },
        out,
      ),
    ).toMatchObject({ transactions: 1, matching: 0, warnings: [warning] });
    for (const file of ["README.txt", "summary.html"]) {
      expect(await readFile(join(out, file), "utf8")).toContain(
        "NOTHING FOUND: no entry of the journal matches the filter",
      );
      expect(await readFile(join(out, file), "utf8")).toContain(warning);
    }
    expect(JSON.parse(await readFile(join(out, "query.json"), "utf8"))).toMatchObject({
      fitting: 0,
      warnings: [warning],
    });
    expect((await verifyBundle(out, vkey)).verdict).toBe("ok");
    expect(await readFile(at("README.txt"), "utf8")).not.toMatch(/NOTHING FOUND|WARNING/);
    expect(JSON.parse(await readFile(at("query.json"), "utf8"))).toMatchObject({
      fitting: expect.toSatisfy((count: number) => count > 20) as number,
      warnings: [],
    });
  });

  it.each([
    ["status:403", /^\d+ requests and events, and the entry of this export: \d+ entries, exported /m, 1],
    ["client:nobdy", /^0 requests and events, and the entry of this export: 1 entry, exported /m, 1],
  ])("counts the requests of %s without its own record, in each file alike", async (filter, words, own) => {
    await bundle(filter, join(work, "counted"));
    const file = (name: string): Promise<string> => readFile(join(work, "counted", name), "utf8");
    const readMe = await file("README.txt");
    expect(readMe).toMatch(words);
    const said = JSON.parse(await file("query.json")) as Record<string, number>;
    expect(said).toMatchObject({ requests_and_events: said["fitting"]! + own, own_records: own });
    expect(readMe).toContain(`\n${said["fitting"]} requests and events,`);
    expect((await file("events.ndjson")).trim().split("\n")).toHaveLength(said["entries"]!);
  });

  it("says that it does not prove anything about the entries that its filter left out", async () => {
    await bundle("status:403", join(work, "refused"));
    const report = await verifyBundle(join(work, "refused"), vkey);
    expect(report.verdict).toBe("ok");
    expect(report.sequences.every(({ complete }) => !complete)).toBe(true);
    expect(report.notProved.join()).toContain("only the entries in this bundle are proved");
  });

  it("cannot be verified with its own key alone, because whoever made the bundle can have made that key", async () => {
    const report = await verifyBundle(join(work, "b"));
    expect(report).toMatchObject({
      verdict: "cannot-tell",
      keys: "bundle",
      findings: [],
      missing: [expect.stringContaining("the only key is the one in the bundle")],
    });
    expect(report.notProved[0]).toContain("it came with the bundle");
  });

  it("shows a table without scripts, and escapes all markup in the journal's values", async () => {
    await bundle("", join(work, "all"));
    const html = await readFile(join(work, "all", "summary.html"), "utf8");
    expect(html).toContain("Beta &lt;Tenant&gt;");
    expect(html).not.toMatch(/<script|<Tenant>|https?:/);
  });

  it.each<[string, () => Promise<void>, RegExp]>([
    [
      "a changed entry",
      () => edit("events.ndjson", (text) => text.replace("alpha-crm", "alpha-crl")),
      /line 1 of events\.ndjson \(index 0\) does not lead to the root/,
    ],
    [
      "a removed entry",
      () => edit("events.ndjson", (text) => text.slice(text.indexOf("\n") + 1)),
      /does not lead to the root|was removed/,
    ],
    [
      "an entry that was put in",
      () => edit("events.ndjson", (text) => `${text.split("\n")[3]}\n${text}`),
      /occurs twice/,
    ],
    [
      "text that is no entry",
      () => edit("events.ndjson", (text) => `nothing\n${text}`),
      /line 1 of events\.ndjson is not an entry/,
    ],
    [
      "a changed proof",
      () => edit("proofs.ndjson", (text) => text.replace(/"path":\["[0-9a-f]{4}/, '"path":["0000')),
      /it or its proof was changed/,
    ],
    [
      "a proof of another index",
      () => edit("proofs.ndjson", (text) => text.replace(/"index":\d+/, '"index":1')),
      /does not lead/,
    ],
    [
      "a proof of the right hashes and more",
      () => edit("proofs.ndjson", (text) => text.replace('"path":[', `"path":["${"00".repeat(32)}",`)),
      /does not lead/,
    ],
    [
      "a changed size",
      () => edit("checkpoints.txt", (text) => text.replace(`\n${size}\n`, `\n${size - 1}\n`)),
      /was changed after signing/,
    ],
    [
      "a changed root",
      () => edit("checkpoints.txt", (text) => text.replace(/\n([A-Za-z0-9+/])/g, "\nA$1").replace("\nAA", "\nA")),
      /was changed after signing|does not contain a checkpoint/,
    ],
    ["a file that was put there", () => writeFile(at("more.txt"), ""), /more\.txt is not part of the bundle/],
    [
      "a text in the ZIP's folder",
      () => writeFile(at("notes.MD"), ""),
      /notes\.MD .* or .* not unpacked into an empty/,
    ],
    ["a file without an ending", () => writeFile(at("README"), ""), /README is not part of the bundle/],
    ["a changed README", () => appendFile(at("README.txt"), "!"), /README\.txt is not as it was exported/],
    ["a missing summary", () => rm(at("summary.html")), /summary\.html is missing/],
  ])("with %s is broken", async (_what, damage, words) => {
    await damage();
    const report = await verified();
    expect(report.verdict).toBe("broken");
    expect(report.findings.join("\n")).toMatch(words);
  });

  it("in the folder of its ZIP, of a key and of a system's files is unchanged, and says what it ignores", async () => {
    for (const name of ["b.zip", "gateway.pub", "witness.pem", ".DS_Store", "Thumbs.db", "photos.tar"])
      await writeFile(at(name), "");
    const report = await verified();
    expect(report).toMatchObject({ verdict: "ok", findings: [], missing: [] });
    expect(report.ignored.toSorted()).toEqual(
      [".DS_Store", "Thumbs.db", "b.zip", "gateway.pub", "photos.tar", "witness.pem"].toSorted(),
    );
    expect(printBundle(report)).toMatch(/^ {2}ignored {5}not part of the bundle: .*, .* and 1 more$/m);
    const inside = await verifyBundle(join(work, "b"), vkey, { isPacked: true });
    expect(inside.findings).toContain("b.zip is not part of the bundle: somebody added it");
    expect(await readFile(at("README.txt"), "utf8")).toContain("Unpack the ZIP into an empty folder");
  });

  it("is not complete if a Do-Not-Call and its proof were removed, even with a new manifest", async () => {
    const events = (await readFile(at("events.ndjson"), "utf8")).split("\n");
    const place = events.findIndex((line) => /"dnc":5,"crc":\d+\}$/.test(line));
    for (const name of ["events.ndjson", "proofs.ndjson"])
      await edit(name, (text) => text.split("\n").toSpliced(place, 1).join("\n"));
    const { sequences } = await verified();
    expect(sequences).toEqual([{ dbid: 101, first: 1, last: 67, missing: 1, said: 67, complete: false }]);
  });

  it("is not complete if its last Do-Not-Calls were removed, because the gateway recorded their number", async () => {
    const events = (await readFile(at("events.ndjson"), "utf8")).split("\n");
    const place = events.findIndex((line) => /"dnc":67,"crc":\d+\}$/.test(line));
    for (const name of ["events.ndjson", "proofs.ndjson"])
      await edit(name, (text) => text.split("\n").toSpliced(place, 1).join("\n"));
    expect((await verified()).sequences).toMatchObject([{ last: 66, said: 67, complete: false }]);
  });

  it("that was signed again with another key does not verify with the gateway's key", async () => {
    const { origin, size: covered, root } = (await verified()).checkpoint!;
    await writeFile(
      at("checkpoints.txt"),
      signCheckpoint({ origin: `${origin}/x`, size: covered, root: Buffer.from(root, "hex") }, aKey()),
    );
    const report = await verified();
    expect([report.verdict === "ok", report.missing.join()]).toEqual([false, expect.stringContaining("is signed by")]);
  });

  it.each(["events.ndjson", "proofs.ndjson", "checkpoints.txt", "keys.json", "query.json", "manifest.sha256"])(
    "without %s cannot be verified",
    async (name) => {
      await rm(at(name));
      expect(await verified()).toMatchObject({ verdict: "cannot-tell", missing: [`there is no ${name}`] });
    },
  );

  it("is written completely or not at all, and replaces nothing", async () => {
    await mkdir(join(work, "taken"));
    await expect(bundle("", join(work, "taken"))).rejects.toThrow("EEXIST");
    await writeFile(join(work, "taken.zip"), "mine");
    await expect(bundle("", join(work, "taken.zip"))).rejects.toThrow("EEXIST");
    expect(await readFile(join(work, "taken.zip"), "utf8")).toBe("mine");
    expect((await readdir(work)).toSorted()).toEqual(["b", "taken", "taken.zip"]);
  });

  it("is refused if the journal does not have the root of its checkpoint", async () => {
    const copy = join(work, "journal");
    await cp(dir, copy, { recursive: true });
    const [segment] = await segmentsOf(copy);
    const lines = await linesOf(copy, segment!);
    await writeLines(copy, segment!, lines.with(5, lines[5]!.replace("alpha-crm", "alpha-crl")));
    await expect(
      writeBundle(
        { dir: copy, filter: parseFilter(""), size, by: "rw", purpose: undefined, version: "1", configHash: "" },
        join(work, "never"),
      ),
    ).rejects.toThrow(NotProvable);
    expect((await readdir(work)).toSorted()).toEqual(["b", "journal"]);
  });

  it("is refused as a zip as soon as it is known to be too large, and not as a directory", async () => {
    await rm(join(work, "b"), { recursive: true, force: true });
    const bundling = { dir, size, by: "rw", purpose: undefined, version: "1", configHash: "" };
    for (const filter of ["", "status:403"]) {
      const asked = { ...bundling, filter: parseFilter(filter) };
      await expect(writeBundle(asked, join(work, "large.zip"), 5000)).rejects.toThrow(
        /would be larger than 4 GiB.*export shorter times.*directory/,
      );
      expect(await readdir(work)).toEqual([]);
    }
    await writeBundle({ ...bundling, filter: parseFilter("status:403") }, join(work, "large"), 5000);
    expect((await verifyBundle(join(work, "large"), vkey)).verdict).toBe("ok");
  });

  it("survives packing and unpacking", async () => {
    await bundle("status:403", join(work, "b.zip"));
    await mkdir(join(work, "out"));
    await unpack(join(work, "b.zip"), join(work, "out"));
    expect((await verifyBundle(join(work, "out"), vkey)).verdict).toBe("ok");
    const bytes = await readFile(join(work, "b.zip"));
    await writeFile(join(work, "cut.zip"), bytes.subarray(0, bytes.length - 30));
    await expect(unpack(join(work, "cut.zip"), join(work, "out"))).rejects.toThrow("cut off");
    await writeFile(
      join(work, "out.zip"),
      Buffer.from(bytes.toString("latin1").replaceAll("verify.mjs", "../../evil"), "latin1"),
    );
    await expect(unpack(join(work, "out.zip"), join(work, "out"))).rejects.toThrow("which is not a file of a bundle");
  });
});

describe("a forged bundle", () => {
  const thief = aKey();
  /** Everything is right but for the key: whoever made it made the journal, too. */
  const forged = async (origin = ORIGIN): Promise<void> => {
    await rm(at(""), { recursive: true });
    const other = await aDirectory();
    try {
      const { journal, checkpoints, close } = await openWithCheckpoints(other, thief);
      for (const entry of aDoNotCall(1)) await journal.append(entry);
      await close();
      await writeBundle(
        {
          dir: other,
          filter: parseFilter(""),
          size: checkpoints.last().size,
          by: "rw",
          purpose: undefined,
          version: "1",
          configHash: "",
        },
        join(work, "b"),
      );
    } finally {
      await removeDirectory(other);
    }
    if (origin !== ORIGIN) await edit("checkpoints.txt", (text) => text.replaceAll(ORIGIN, origin));
  };
  const signManifest = async (): Promise<void> => {
    const lines = await Promise.all(
      (await readdir(at("")))
        .filter((name) => name !== "manifest.sha256")
        .map(
          async (name) =>
            `${createHash("sha256")
              .update(await readFile(at(name)))
              .digest("hex")}  ${name}\n`,
        ),
    );
    await writeFile(at("manifest.sha256"), lines.join(""));
  };

  it("with a key of its own proves nothing, and the gateway's key exposes it", async () => {
    await forged();
    expect(await verifyBundle(join(work, "b"))).toMatchObject({
      verdict: "cannot-tell",
      proved: 2,
      missing: [expect.stringContaining("whoever made the bundle can have made it")],
    });
    expect(await verified()).toMatchObject({
      verdict: "cannot-tell",
      signed: undefined,
      missing: [expect.stringContaining("is signed by gateway.test/main, and not by gateway.test/main+")],
    });
  });

  it("that lists its own key beside the gateway's is detected", async () => {
    await forged();
    await writeFile(at("keys.json"), JSON.stringify({ keys: [vkey, verifierKey(ORIGIN, thief)] }));
    await signManifest();
    expect((await verifyBundle(join(work, "b"))).verdict).toBe("cannot-tell");
    expect((await verified()).verdict).toBe("cannot-tell");
  });

  it.each<[string, () => Promise<void>, string, RegExp]>([
    [
      "no entries",
      async () => {
        await writeFile(at("events.ndjson"), "");
        await writeFile(at("proofs.ndjson"), "");
      },
      "cannot-tell",
      /events\.ndjson is empty/,
    ],
    [
      "a line that never ends",
      () => truncate(at("events.ndjson"), 80 << 20),
      "broken",
      /has a line of more than|is not as it was exported/,
    ],
    [
      "a million lines that are none",
      () => writeFile(at("events.ndjson"), "{}\n".repeat(1_000_000)),
      "broken",
      /line 1 of events\.ndjson is not an entry/,
    ],
    [
      "a proof as long as a book",
      () => edit("proofs.ndjson", (text) => text.replace('"path":[', `"path":[${'"00",'.repeat(1_000_000)}`)),
      "broken",
      /does not lead/,
    ],
    [
      "a checkpoint as large as a disk",
      () => truncate(at("checkpoints.txt"), 20 * 2 ** 30),
      "cannot-tell",
      /checkpoints\.txt is not a regular file of at most/,
    ],
    [
      "keys that are none",
      () => writeFile(at("keys.json"), '{"keys":7}'),
      "cannot-tell",
      /does not contain a list of keys/,
    ],
    [
      "a link in place of the entries",
      async () => {
        await rm(at("events.ndjson"));
        await symlink("/etc/passwd", at("events.ndjson"));
      },
      "cannot-tell",
      /there is no events\.ndjson/,
    ],
    [
      "a directory that its manifest names",
      async () => {
        await mkdir(at("x"));
        await appendFile(at("manifest.sha256"), `${"0".repeat(64)}  x\n`);
      },
      "broken",
      /x is not a regular file/,
    ],
    [
      "a way out in its manifest",
      () => appendFile(at("manifest.sha256"), `${"0".repeat(64)}  ..\n`),
      "broken",
      /manifest\.sha256 has an invalid line/,
    ],
    [
      "an index below 0",
      () => edit("events.ndjson", (text) => text.replace('{"index":0', '{"index":-1')),
      "broken",
      /does not lead/,
    ],
  ])(
    "with %s gets a verdict and does not crash the verifier",
    async (_what, forge, verdict, words) => {
      await forge();
      const report = await (/keys/.test(_what) ? verifyBundle(join(work, "b")) : verified());
      expect([...report.findings, ...report.missing].join("\n")).toMatch(words);
      if (verdict === "cannot-tell") expect(report.verdict === "ok").toBe(false);
      else expect(report.verdict).toBe(verdict);
    },
    60_000,
  );

  it("cannot overwrite the printed verdict with control characters", async () => {
    await forged("gateway.test/main\u001b[2K\u001b[1GOK\u202e");
    const printed = printBundle(await verified());
    expect(printed).not.toMatch(/[^\P{C}\n]/u);
    expect(printed).toContain("\\u{1b}[2K");
  });
});

describe("the verifier in a bundle", () => {
  it("needs only Node: it imports nothing else, and reads nothing outside its directory", async () => {
    const programs = (await readdir(join(work, "b"))).filter((name) => name.endsWith(".mjs")).toSorted();
    expect(programs).toEqual([
      "bundle-checkpoint.mjs",
      "bundle-events.mjs",
      "bundle-files.mjs",
      "bundle-outside.mjs",
      "bundle-report.mjs",
      "bundle-tree.mjs",
      "certificate-chain.mjs",
      "cosignature.mjs",
      "der.mjs",
      "timestamp.mjs",
      "verify.mjs",
    ]);
    for (const program of programs) {
      const source = await readFile(at(program), "utf8");
      const imported = [...source.matchAll(/from "([^"]+)"/g)]
        .map(([, from]) => from!)
        .filter((from) => !from.startsWith("node:"));
      expect(imported.filter((from) => !programs.includes(from.replace("./", "")))).toEqual([]);
      expect(source).not.toMatch(/node:(net|http|https|dns|child_process)|fetch\(|import\(/);
    }
  });

  const nodes = [
    ["this Node", process.execPath],
    ...[programOf("node")]
      .filter((path) => path !== undefined && path !== process.execPath)
      .map((path) => ["the Node of the machine", path!]),
  ] as [string, string][];
  it.each(nodes)("verifies the bundle with %s, and reports the verdict by its exit code", async (_name, node) => {
    const start = (...args: readonly string[]) =>
      run(node, [at("verify.mjs"), ...args], { cwd: "/", env: { NODE_OPTIONS: "" } });
    const right = await start("--key", vkey);
    expect([right.code, right.stderr]).toEqual([0, ""]);
    expect(right.stdout).toContain("Do-Not-Calls 1..67 of tenant 101, no gap; entry");
    expect((await start("--key", "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8")).code).toBe(8);
    expect((await start("--what")).code).toBe(2);
    const file = join(work, "a+b.pub");
    expect(await start("--key", file.replace("+", "-"))).toMatchObject({
      code: 2,
      stderr: `${file.replace("+", "-")} is not a verifier key or a file that can be read\n`,
    });
    await writeFile(file, `${vkey}\n`);
    expect((await start("--key", file)).code).toBe(0);
    await edit("events.ndjson", (text) => text.replace("alpha-crm", "alpha-crl"));
    expect((await start("--key", vkey)).code).toBe(7);
  });
});

describeWith(["unzip", "sha256sum"], "what others read of a bundle", (unzip, sha256sum) => {
  it("can be unpacked by unzip and checked by sha256sum", async () => {
    await bundle("", join(work, "b.zip"));
    expect(await run(unzip!, ["-q", join(work, "b.zip"), "-d", join(work, "unzipped")])).toMatchObject({
      code: 0,
      stderr: "",
    });
    expect(
      await run(sha256sum!, ["--quiet", "--strict", "-c", "manifest.sha256"], { cwd: join(work, "unzipped") }),
    ).toMatchObject({ code: 0, stdout: "" });
  });
});

it("a bundle keeps the Do-Not-Calls of one DBID on two OCS apart, and from those of format 1", async () => {
  const [other, out] = [await aDirectory(), await aDirectory()];
  try {
    const { journal, checkpoints, close } = await openWithCheckpoints(other, key);
    for (const [number, upstream] of [undefined, undefined, "sales", "service", "sales"].entries())
      for (const entry of aDoNotCall(number, upstream === undefined ? {} : { upstream })) await journal.append(entry);
    await journal.append({ kind: "access", user: "rw", operation: "export" });
    await close();
    await writeBundle(
      {
        dir: other,
        filter: parseFilter(""),
        size: checkpoints.last().size,
        by: "rw",
        purpose: undefined,
        version: "1",
        configHash: "1",
      },
      join(out, "b"),
    );
    const report = await verifyBundle(join(out, "b"), checkpoints.verifierKey);
    expect(report.sequences).toEqual([
      { dbid: 101, upstream: undefined, first: 1, last: 2, missing: 0, said: 2, complete: true },
      { dbid: 101, upstream: "sales", first: 1, last: 2, missing: 0, said: 2, complete: true },
      { dbid: 101, upstream: "service", first: 1, last: 1, missing: 0, said: 1, complete: true },
    ]);
    expect(printBundle(report)).toContain("Do-Not-Calls 1..2 of tenant 101 of sales, no gap");
  } finally {
    for (const each of [other, out]) await removeDirectory(each);
  }
});

describe("a bundle of few entries in a large journal", () => {
  const FILTER = `id:${anIntent(146).id}`;
  let [own, made] = ["", ""];
  beforeEach(async () => {
    own = join(work, "journal");
    made = join(work, "few");
    await cp(dir, own, { recursive: true });
  });
  const few = (over: { readonly size?: number } = {}) =>
    writeBundle(
      {
        dir: own,
        filter: parseFilter(FILTER),
        size,
        by: "rw",
        purpose: undefined,
        version: "1",
        configHash: "7c",
        ...over,
      },
      made,
    );
  const through = async (): Promise<unknown> =>
    (JSON.parse(await readFile(join(made, "query.json"), "utf8")) as { looked_through: unknown }).looked_through;
  const edited = async (segment: string, change: (lines: string[]) => string[]): Promise<void> =>
    writeLines(own, segment, change(await linesOf(own, segment)));

  it.each<[string, () => Promise<unknown>]>([
    ["without tiles", () => Promise.resolve()],
    ["from a plain journal with tiles", () => extendTiles({ disk: nodeDisk, dir: own })],
    [
      "from a compressed journal with tiles",
      async () => {
        await extendTiles({ disk: nodeDisk, dir: own });
        expect((await compressSegments({ journal: { dir: own, disk: nodeDisk }, after: 0 })).segments).toBeGreaterThan(
          2,
        );
      },
    ],
  ])(
    "is made from the index and the tiles, %s, and contains the same entries as a scan of all lines",
    async (_how, prepare) => {
      await prepare();
      await few();
      expect(await through()).toBe("index");
      const report = await verifyBundle(made, vkey);
      expect(report).toMatchObject({ verdict: "ok", findings: [] });
      const lines = await readFile(join(made, "events.ndjson"), "utf8");
      expect(lines.match(/"kind":"intent"/g)).toHaveLength(1);
      await rm(made, { recursive: true });
      await extendTiles({ disk: nodeDisk, dir: own });
      await writeFile(paths(own).tiles(1), (await readFile(paths(own).tiles(1))).fill(7));
      await few();
      expect(await through()).toBe("lines");
      expect(await readFile(join(made, "events.ndjson"), "utf8")).toBe(lines);
    },
  );

  it("needs no lines but its own, once the segments have indexes", async () => {
    const search = new JournalSearch(own);
    while (await search.maintain());
    search.close();
    await edited("000000000000.jsonl", ([first, ...rest]) => [first!.replace("alpha-crm", "alpha-crl"), ...rest]);
    await few();
    expect(await through()).toBe("index");
    expect(await verifyBundle(made, vkey)).toMatchObject({ verdict: "ok", findings: [] });
  });

  it("is refused if one of its lines differs from the signed line", async () => {
    await few();
    await rm(made, { recursive: true });
    for (const segment of await segmentsOf(own))
      await edited(segment, (lines) =>
        lines.map((line) => (line.includes(anIntent(146).id) ? line.replace("alpha-crm", "alpha-crl") : line)),
      );
    await expect(few()).rejects.toThrow(NotProvable);
  });

  it.each<[string, () => Promise<void>]>([
    [
      "a tile was changed",
      async () => {
        await extendTiles({ disk: nodeDisk, dir: own });
        await writeFile(paths(own).tiles(1), (await readFile(paths(own).tiles(1))).fill(7, 0, 32));
      },
    ],
    ["the index is not a database", () => writeFile(paths(own).index, "nonsense")],
  ])("is still correct if %s", async (_what, damage) => {
    await damage();
    await few();
    expect(await verifyBundle(made, vkey)).toMatchObject({ verdict: "ok", findings: [] });
  });

  it("shows a request as it was when the checkpoint was signed, even if it has ended since", async () => {
    await removeDirectory(own);
    const { journal, checkpoints, close } = await openWithCheckpoints(own, key);
    await journal.append(anIntent(146));
    await checkpoints.write();
    const signed = checkpoints.last().size;
    await journal.append(anOutcome(anIntent(146).id));
    await close();
    const open = parseFilter("is:open");
    await writeBundle(
      { dir: own, filter: open, size: signed, by: "rw", purpose: undefined, version: "1", configHash: "7c" },
      made,
    );
    expect(await through()).toBe("index");
    expect(
      (await readFile(join(made, "events.ndjson"), "utf8"))
        .split("\n")
        .slice(0, -1)
        .map((line) => (JSON.parse(line) as { kind: string }).kind),
    ).toEqual(["intent"]);
    expect(await verifyBundle(made, vkey)).toMatchObject({ verdict: "ok" });
  });
});
