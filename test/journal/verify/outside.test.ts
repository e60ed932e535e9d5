/**
 * What outsiders said of a journal, and what a tamperer does about it: each case is found and named, in a directory and
 * in a bundle.
 */
import { createHash, generateKeyPairSync, sign, type KeyObject } from "node:crypto";
import { cp, mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { writeBundle } from "../../../src/journal/export/bundle.ts";
import { parseFilter } from "../../../src/journal/search/filter/filter.ts";
import {
  cosign,
  readCheckpoint,
  signCheckpoint,
  textOfNote,
  verifierKey,
  witnessKey,
} from "../../../src/journal/integrity/checkpoints/signed-note.ts";
import { paths } from "../../../src/journal/paths.ts";
import { createTree, digestBytes, leafHash } from "../../../src/journal/integrity/merkle-tree.ts";
import { verifyBundle, printBundle } from "../../../src/journal/verify/bundle/bundle.mjs";
import { readWitnessKey, checkCosignature, cosignaturesIn } from "../../../src/journal/verify/bundle/cosignature.mjs";
import { imprintOf, timestampRequest } from "../../../src/journal/verify/bundle/timestamp.mjs";
import { verifyJournal, type Report, type VerifyOptions } from "../../../src/journal/verify/verify.ts";
import { describeWith } from "../../kit/machine.ts";
import { anAuthority, type Authority } from "../../kit/timestamp-authority.ts";
import { ORIGIN, aDirectory, aJournal, aKey, linesOf, removeDirectory, segmentsOf, writeLines } from "../kit.ts";

const key = aKey();
const [one, two] = [
  { name: "witness.test/w1", key: aKey() },
  { name: "witness.test/w2", key: aKey() },
];
const [ONE, TWO] = [one, two].map(({ name, key: own }) => witnessKey(name, own)) as [string, string];
const NOW = Math.floor(Date.now() / 1000);
const TIME = new Date(NOW * 1000).toISOString();

// 30 entries; checkpoints cover 10, 20 and 28; the first two are cosigned by both witnesses, the last by the first one.
let [original, dir, vkey] = ["", "", ""];
beforeAll(async () => {
  original = await aDirectory();
  vkey = await aJournal(original, key, { size: 30, checkpointsAt: [10, 20, 28], segmentBytes: 3400 });
  for (const size of [10, 20]) await cosigned(original, size, [one, two]);
  await cosigned(original, 28, [one]);
});
afterAll(() => removeDirectory(original));
beforeEach(async () => {
  dir = await aDirectory();
  await cp(original, dir, { recursive: true });
});
afterEach(() => removeDirectory(dir));

const cosigned = async (at: string, size: number, by: readonly (typeof one)[], note?: string): Promise<void> => {
  const own = note ?? (await readFile(paths(at).checkpoint(size), "utf8"));
  await writeFile(paths(at).cosigned(size), own + by.map((each) => cosign(textOfNote(own), each, NOW)).join(""));
};
const verify = (options: VerifyOptions = {}): Promise<Report> =>
  verifyJournal(dir, { vkey, witnesses: `${ONE}\n${TWO}`, ...options });
const edit = async (path: string, change: (text: string) => string): Promise<void> =>
  writeFile(path, change(await readFile(path, "utf8")));
const textsOf = ({ findings }: Report): string => findings.map(({ text }) => text).join("\n");
const notesOf = ({ notes }: Report): string => notes.join("\n");
/** The root of the lines as they stand now. */
const rootNow = async (size: number): Promise<Buffer> => {
  const tree = createTree();
  for (const segment of await segmentsOf(dir))
    for (const line of await linesOf(dir, segment)) if (tree.size() < size) tree.append(leafHash(Buffer.from(line)));
  return digestBytes(tree.root());
};
/** As whoever has the journal's key would: every line's hash and every checkpoint fit again. */
const rewrite = async (): Promise<void> => {
  const lines = await linesOf(dir, "000000000000.jsonl");
  await writeLines(dir, "000000000000.jsonl", lines.with(2, lines[2]!.replace("alpha-crm", "alpha-crl")));
  for (const segment of await segmentsOf(dir)) {
    const hashes = (await linesOf(dir, segment)).map((line) => digestBytes(leafHash(Buffer.from(line))));
    await writeFile(join(dir, "segments", segment.replace(".jsonl", ".hashes")), Buffer.concat(hashes));
  }
  for (const size of [10, 20, 28])
    await writeFile(
      paths(dir).checkpoint(size),
      signCheckpoint({ origin: ORIGIN, size, root: await rootNow(size) }, key),
    );
};

describe("a journal whose checkpoints are cosigned", () => {
  it("reports for each witness how much it cosigned, and when", async () => {
    const report = await verify();
    expect([report.verdict, textsOf(report)]).toEqual(["ok", ""]);
    expect(report.witnesses).toEqual({
      quorum: 1,
      isMet: true,
      size: 28,
      unknown: [],
      rows: [ONE, TWO]
        .map(readWitnessKey)
        .map(({ name, id }, at) => ({ witness: `${name}+${id}`, size: [28, 20][at], time: TIME, unchecked: 0 })),
    });
  });

  it.each([
    ["one of two", { quorum: 1 }, "ok", 28],
    ["two of two", { quorum: 2 }, "ok", 20],
    ["three of two", { quorum: 3 }, "cannot-tell", 0],
    ["one, whose key is not given", { witnesses: "" }, "cannot-tell", 0],
  ] as const)("gets the right verdict with %s required", async (_what, options, verdict, size) => {
    const report = await verify({ requireWitnesses: true, ...options });
    expect([report.verdict, report.witnesses.size]).toEqual([verdict, size]);
    expect(report.missing.length).toBe(verdict === "ok" ? 0 : 1);
  });

  it("does not meet the quorum if more than three checkpoints follow the last cosigned one", async () => {
    for (const size of [10, 20, 28]) await rm(paths(dir).cosigned(size));
    expect((await verify({ requireWitnesses: true })).missing).toEqual([
      "1 witness is required, but no checkpoint has enough cosignatures; the last checkpoint covers 28 entries",
    ]);
    await cosigned(dir, 10, [one]);
    expect((await verify({ requireWitnesses: true })).verdict).toBe("ok");
    for (const size of [21, 22])
      await writeFile(
        paths(dir).checkpoint(size),
        signCheckpoint({ origin: ORIGIN, size, root: await rootNow(size) }, key),
      );
    expect((await verify({ requireWitnesses: true })).missing).toEqual([
      "1 witness is required, but only the first 10 entries have enough; the last checkpoint covers 28 entries",
    ]);
    expect((await verify()).verdict).toBe("ok");
  });

  it("does not meet the quorum if the entries after the last cosigned checkpoint span more than a day", async () => {
    const DAY = 86_400;
    for (const size of [10, 20, 28]) await rm(paths(dir).cosigned(size));
    // All checkpoints between the two were deleted, as whoever rewrote the entries between would do.
    await rm(paths(dir).checkpoint(20));
    const note = await readFile(paths(dir).checkpoint(10), "utf8");
    const cosignAt = (...times: readonly number[]): Promise<void> =>
      writeFile(
        paths(dir).cosigned(10),
        note +
          [one, two]
            .slice(0, times.length)
            .map((each, at) => cosign(textOfNote(note), each, times[at]!))
            .join(""),
      );
    await cosignAt(NOW - DAY + 600);
    expect(await verify({ requireWitnesses: true })).toMatchObject({ verdict: "ok", witnesses: { isMet: true } });
    await cosignAt(NOW - DAY - 600);
    const late = await verify({ requireWitnesses: true });
    expect(late).toMatchObject({ verdict: "cannot-tell", witnesses: { isMet: false, size: 10 } });
    expect(late.missing).toEqual([
      expect.stringMatching(
        /^enough witnesses cosigned the first 10 entries at .*: no witness has seen more than a day of entries$/,
      ),
    ]);
    expect(await verify()).toMatchObject({ verdict: "ok", witnesses: { isMet: false } });
    // One of two was there lately: enough for one, too few for two.
    await cosignAt(NOW - DAY - 600, NOW);
    expect((await verify({ requireWitnesses: true, quorum: 1 })).verdict).toBe("ok");
    expect((await verify({ requireWitnesses: true, quorum: 2 })).verdict).toBe("cannot-tell");
  });

  it("lists cosignatures with unknown keys, and counts none of them", async () => {
    const report = await verify({ witnesses: TWO });
    expect(report.witnesses).toMatchObject({ size: 20, unknown: [`${one.name}+${readWitnessKey(ONE).id}`] });
    expect(notesOf(report)).toContain("were not checked: their keys were not given (--witness)");
    expect(await verify({ witnesses: "", requireWitnesses: false })).toMatchObject({
      verdict: "ok",
      witnesses: { quorum: null },
    });
  });

  it.each([
    ["one key under two names", () => `${ONE}\n${witnessKey("witness.test/again", one.key)}`, /give only one of them/],
    ["the journal's own key", () => `${TWO}\n${witnessKey("witness.test/own", key)}`, /is the journal's own/],
  ])("is not verified with witness keys that include %s", async (_what, keys, says) => {
    await expect(verify({ witnesses: keys(), quorum: 2 })).rejects.toThrow(says);
    const out = join(dir, "bundle");
    await writeBundle(
      { dir, filter: parseFilter(""), size: 28, by: "rw", purpose: "audit", version: "1", configHash: "7c1e" },
      out,
    );
    const { verdict, missing } = await verifyBundle(out, vkey, {
      witnesses: keys(),
      quorum: 2,
      requireWitnesses: true,
    });
    expect([verdict, missing]).toEqual(["cannot-tell", [expect.stringMatching(says)]]);
  });

  it.each([
    [253_402_300_799, "ok"],
    [253_402_300_800, "broken"],
    [2 ** 53, "broken"],
  ] as const)("is verified even if a witness states the time %i, in seconds", async (time, verdict) => {
    const note = await readFile(paths(dir).checkpoint(28), "utf8");
    await writeFile(paths(dir).cosigned(28), note + cosign(textOfNote(note), one, time));
    const report = await verify();
    expect([report.verdict, report.witnesses.size]).toEqual([verdict, verdict === "ok" ? 28 : 20]);
  });

  it("counts a repeated witness key once, and accepts a witness whose key was planted in the directory", async () => {
    const twice = await verify({ witnesses: `${ONE}\n${ONE}\n`, quorum: 2 });
    expect([twice.witnesses.rows.length, twice.witnesses.isMet]).toEqual([1, false]);
    await edit(paths(dir).verifierKeys, (text) => `${text}${verifierKey("planted.test", one.key)}\n`);
    expect((await verify({ vkey: undefined })).witnesses.size).toBe(28);
  });

  it("counts no cosignature of a checkpoint that the journal's key did not sign", async () => {
    const thief = aKey();
    await cosigned(
      dir,
      28,
      [one],
      signCheckpoint(readCheckpoint(await readFile(paths(dir).checkpoint(28), "utf8"))!, thief),
    );
    const report = await verify();
    expect([report.verdict, report.witnesses.rows[0]!.size]).toEqual(["broken", 20]);
    expect(textsOf(report)).toContain("000000000028.cosigned: its checkpoint is not signed by the journal's key");
  });

  it("rejects invalid witness keys, with the reason", async () => {
    await expect(verify({ witnesses: vkey })).rejects.toThrow(
      "is one that signs checkpoints (type 0x01), and no witness's",
    );
    await expect(verify({ witnesses: ONE.replace(/\+[0-9a-f]{8}\+/, "+00000000+") })).rejects.toThrow(
      "says id 00000000, its bytes give",
    );
    await expect(verify({ witnesses: ONE.slice(0, -8) })).rejects.toThrow("expected a witness's verifier key");
  });
});

describe("a checkpoint that was kept elsewhere", () => {
  it("counts only with the journal's signature; if it was required and has none, the verdict is not ok", async () => {
    const note = await readFile(paths(original).cosigned(28), "utf8");
    expect((await verify({ elsewhere: [{ name: "kept", note, isAskedFor: true }] })).verdict).toBe("ok");
    for (const bad of ["", "hello", note.replace("\n28\n", "\n27\n")]) {
      expect(await verify({ elsewhere: [{ name: "kept", note: bad, isAskedFor: true }] })).toMatchObject({
        verdict: "cannot-tell",
        missing: ["kept has no valid signature by a known key, so the lines were not compared with it"],
      });
      expect((await verify({ elsewhere: [{ name: "kept", note: bad }] })).verdict).toBe("ok");
    }
  });
});

describe("a tamperer", () => {
  it("with the journal's key who rewrites history and signs it again is exposed by the cosignatures", async () => {
    await rewrite();
    const report = await verify();
    expect(report.verdict).toBe("broken");
    for (const size of [10, 20, 28])
      expect(textsOf(report)).toContain(
        `cosigned note 0000000000${size}.cosigned has another root than checkpoint ${size}: both are signed`,
      );
    // Without the cosigned notes it would have passed.
    for (const size of [10, 20, 28]) await rm(paths(dir).cosigned(size));
    expect(await verify()).toMatchObject({ verdict: "ok", witnesses: { isMet: false } });
    expect((await verify({ requireWitnesses: true })).verdict).toBe("cannot-tell");
    // And is found by what the witness itself has kept.
    const kept = { name: "w1.checkpoint", note: await readFile(paths(original).cosigned(28), "utf8") };
    expect(textsOf(await verify({ elsewhere: [kept] }))).toContain(
      "checkpoint 28 in w1.checkpoint has another root than checkpoint 28",
    );
  });

  it("who also removes the cosigned checkpoints is exposed by the lines", async () => {
    await rewrite();
    for (const size of [10, 28]) await rm(paths(dir).checkpoint(size));
    const report = await verify();
    expect(report.verdict).toBe("broken");
    expect(textsOf(report)).toMatch(/cosigned note 000000000010\.cosigned/);
  });

  const CASES: readonly (readonly [string, string, (path: string) => Promise<void>])[] = [
    [
      "changes a root",
      "is not signed by the journal's key, so it was changed",
      (path) =>
        edit(path, (text) =>
          text.replace(/(\n28\n)(.)/, (_all, size: string, sign: string) => `${size}${sign === "A" ? "B" : "A"}`),
        ),
    ],
    [
      "changes a cosignature",
      "the cosignature of witness witness.test/w1",
      (path) =>
        edit(path, (text) =>
          text.replace(
            /(— witness\.test\/w1 .{30})(.)/,
            (_all, before: string, sign: string) => `${before}${sign === "A" ? "B" : "A"}`,
          ),
        ),
    ],
    [
      "changes the time of a cosignature",
      "does not verify: it or the checkpoint was changed",
      (path) =>
        edit(path, (text) => {
          const line = /— witness\.test\/w1 (\S+)\n/.exec(text)!;
          const bytes = Buffer.from(line[1]!, "base64");
          bytes[11]! ^= 1;
          return text.replace(line[1]!, bytes.toString("base64"));
        }),
    ],
    [
      "puts a cosignature of another checkpoint",
      "does not verify: it or the checkpoint was changed",
      async (path) => {
        const other = /— witness\.test\/w1 \S+\n/.exec(await readFile(paths(dir).cosigned(20), "utf8"))![0];
        await edit(path, (text) => text.replace(/— witness\.test\/w1 \S+\n/, other));
      },
    ],
    ["puts another size's note", "is no cosigned checkpoint of that size", (path) => cp(paths(dir).cosigned(20), path)],
    ["empties the note", "is no cosigned checkpoint of that size", (path) => writeFile(path, "")],
    ["makes it huge", "is no cosigned checkpoint of that size", (path) => writeFile(path, Buffer.alloc(2 << 20, "a"))],
    [
      "puts a false one beside the true one",
      "the cosignature of witness witness.test/w1",
      (path) => edit(path, (text) => `${text}${cosign("another\n", one, NOW)}`),
    ],
    [
      "puts the false one first",
      "the cosignature of witness witness.test/w1",
      (path) => edit(path, (text) => text.replace(/(?=— witness)/, cosign("another\n", one, NOW))),
    ],
  ];
  it.each(CASES)("who %s is detected, and the report names the file", async (_what, says, tamper) => {
    await tamper(paths(dir).cosigned(28));
    const report = await verify();
    expect([report.verdict, textsOf(report)]).toEqual(["broken", expect.stringContaining(says)]);
    expect(textsOf(report)).toContain("000000000028.cosigned");
  });
});

const hasMlDsa = (() => {
  try {
    generateKeyPairSync("ml-dsa-44" as never);
    return true;
  } catch {
    return false;
  }
})();

/** C2SP tlog-cosignature, from the text of the specification. */
const mlDsa = (
  name: string,
  privateKey: KeyObject,
  publicKey: Buffer,
  text: string,
  time: number,
): { readonly vkey: string; readonly line: string } => {
  const typed = Buffer.concat([Buffer.of(6), publicKey]);
  const id = createHash("sha256").update(`${name}\n`).update(typed).digest().subarray(0, 4);
  const [origin, size, root] = text.split("\n") as [string, string, string];
  const u64 = (value: number): Buffer => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64BE(BigInt(value));
    return bytes;
  };
  const message = Buffer.concat([
    Buffer.from("subtree/v1\n\0"),
    Buffer.of(name.length),
    Buffer.from(name),
    u64(time),
    Buffer.of(origin.length),
    Buffer.from(origin),
    u64(0),
    u64(Number(size)),
    Buffer.from(root, "base64"),
  ]);
  return {
    vkey: `${name}+${id.toString("hex")}+${typed.toString("base64")}`,
    line: `— ${name} ${Buffer.concat([id, u64(time), sign(null, message, privateKey)]).toString("base64")}\n`,
  };
};

describe.skipIf(!hasMlDsa)("a cosignature by ML-DSA-44", () => {
  const made = async (time = NOW) => {
    const { publicKey, privateKey } = generateKeyPairSync("ml-dsa-44" as never) as unknown as {
      publicKey: KeyObject;
      privateKey: KeyObject;
    };
    const bytes = Buffer.from((publicKey.export({ format: "jwk" }) as unknown as { pub: string }).pub, "base64url");
    const note = await readFile(paths(dir).checkpoint(28), "utf8");
    return { note, ...mlDsa("witness.test/pq", privateKey, bytes, textOfNote(note), time) };
  };

  it("is verified if Node supports it, and only for its own size and root", async () => {
    const { note, vkey: witnesses, line } = await made();
    await writeFile(paths(dir).cosigned(28), note + line);
    expect((await verify({ witnesses })).witnesses.rows).toEqual([
      expect.objectContaining({ size: 28, time: TIME, unchecked: 0 }),
    ]);
    await writeFile(paths(dir).cosigned(20), (await readFile(paths(dir).checkpoint(20), "utf8")) + line);
    expect(textsOf(await verify({ witnesses }))).toContain(
      "000000000020.cosigned: the cosignature of witness witness.test/pq",
    );
  });

  it("may state no time", async () => {
    const { note, vkey: witnesses, line } = await made(0);
    await writeFile(paths(dir).cosigned(28), note + line);
    expect((await verify({ witnesses })).witnesses.rows).toEqual([expect.objectContaining({ size: 28, time: null })]);
  });

  it("is reported as unchecked if Node does not support it, and never counts", async () => {
    const { note, vkey: line, line: signature } = await made();
    const without = { ...readWitnessKey(line), key: undefined };
    const { rows } = cosignaturesIn(note + signature, [without]);
    expect(rows).toEqual([expect.objectContaining({ verdict: "unchecked" })]);
    expect(checkCosignature(textOfNote(note), { bytes: Buffer.alloc(20) }, without)).toEqual({
      verdict: "invalid",
      time: 0,
    });
  });
});

describeWith(["openssl"], "a journal whose checkpoints have timestamps", () => {
  let tsa = "";
  let authority: Authority;
  beforeAll(async () => {
    tsa = await aDirectory();
    authority = anAuthority(tsa);
  });
  afterAll(() => removeDirectory(tsa));
  const stamp = async (size: number, by = authority): Promise<void> => {
    const imprint = imprintOf(await readFile(paths(dir).checkpoint(size)));
    await writeFile(
      paths(dir).timestamp(size),
      by.reply(timestampRequest(imprint, Buffer.from("4102030405060708", "hex"))),
    );
  };

  it("reports the oldest and the newest one, and their authority", async () => {
    for (const size of [10, 28]) await stamp(size);
    const report = await verify({ authorities: authority.ca });
    expect([report.verdict, textsOf(report)]).toEqual(["ok", ""]);
    expect(report.timestamps).toMatchObject({
      found: 2,
      first: { size: 10, signer: "CN=Test Authority", isTrusted: true },
      last: { size: 28 },
    });
    const unchecked = await verify();
    expect(unchecked.timestamps.last!.isTrusted).toBe(false);
    expect(notesOf(unchecked)).toContain("the authority that signed the timestamps was not checked");
  });

  it("does not count the timestamp of another authority", async () => {
    const other = await aDirectory();
    await stamp(28, anAuthority(other));
    await removeDirectory(other);
    const report = await verify({ authorities: authority.ca });
    expect([report.verdict, report.timestamps.found]).toEqual(["ok", 0]);
    expect(notesOf(report)).toContain("000000000028.tsr does not count: no chain leads");
  });

  it.each([
    [
      "of another checkpoint",
      "its imprint is of another text",
      async () => {
        await stamp(20);
        await cp(paths(dir).timestamp(20), paths(dir).timestamp(28));
      },
    ],
    [
      "that was cut",
      "not DER",
      async () => {
        await stamp(28);
        await writeFile(paths(dir).timestamp(28), (await readFile(paths(dir).timestamp(28))).subarray(0, 300));
      },
    ],
    ["that is empty", "not DER", () => writeFile(paths(dir).timestamp(28), "")],
    ["that is a directory", "it is not a small regular file", () => mkdir(paths(dir).timestamp(28))],
    [
      "that is huge",
      "it is not a small regular file",
      () => writeFile(paths(dir).timestamp(28), Buffer.alloc(2 << 20)),
    ],
    [
      "of a checkpoint that was signed again",
      "its imprint is of another text",
      async () => {
        await stamp(28);
        await rewrite();
        for (const size of [10, 20, 28]) await rm(paths(dir).cosigned(size));
      },
    ],
  ] as const)("reports one %s", async (_what, says, tamper) => {
    await tamper();
    const report = await verify({ authorities: authority.ca });
    expect([report.verdict, textsOf(report)]).toEqual(["broken", expect.stringContaining(says)]);
    expect(textsOf(report)).toContain("000000000028.tsr is not a timestamp of checkpoint 28");
  });

  describe("as a bundle", () => {
    let out = "";
    const outside = { witnesses: `${ONE}\n${TWO}`, requireWitnesses: true };
    beforeEach(async () => {
      await stamp(10);
      out = join(dir, "bundle");
      await rm(paths(dir).cosigned(28));
      await writeBundle(
        {
          dir,
          filter: parseFilter("action:DoNotCall"),
          size: 28,
          by: "rw",
          purpose: "audit",
          version: "1",
          configHash: "7c1e",
        },
        out,
      );
    });

    it("contains cosignatures and timestamp, with proofs that its checkpoint continues them", async () => {
      const report = await verifyBundle(out, vkey, {
        ...outside,
        requireWitnesses: false,
        quorum: 2,
        authorities: authority.ca,
      });
      expect([report.verdict, report.findings, report.missing]).toEqual(["ok", [], []]);
      expect(report.outside).toMatchObject({
        witnesses: [{ size: 20, time: TIME, verdict: "valid" }, { size: 20 }],
        unknown: [],
        timestamp: { size: 10, isTrusted: true, signer: "CN=Test Authority" },
      });
      expect(printBundle(report)).toContain(`cosigned the first 20 entries of the journal at ${TIME}`);
      expect(
        authority.verifies(await readFile(join(out, "timestamp.tsr")), await readFile(join(out, "timestamped.txt"))),
      ).toBe(true);
      expect(await readFile(join(out, "README.txt"), "utf8")).toContain("openssl ts -verify");
    });

    it.each([
      [
        20,
        28,
        "cannot-tell",
        [
          "8 entries of the bundle, from index 20 on, are not among the first 20 of the journal that witnesses " +
            "cosigned: export again when they have cosigned, or export less",
        ],
      ],
      [28, 28, "ok", []],
    ] as const)(
      "with %i of %i entries cosigned is %s if witnesses are required",
      async (size, at, verdict, missing) => {
        await rm(out, { recursive: true });
        await cosigned(dir, size, [one, two]);
        await writeBundle(
          {
            dir,
            filter: parseFilter("action:DoNotCall"),
            size: at,
            by: "rw",
            purpose: "audit",
            version: "1",
            configHash: "7c1e",
          },
          out,
        );
        expect(await verifyBundle(out, vkey, { ...outside, quorum: 2 })).toMatchObject({ verdict, missing });
      },
    );

    it("says what was not checked", async () => {
      const printed = printBundle(await verifyBundle(out, vkey));
      expect(printed).toContain("not checked, the key is not given (--witness)");
      expect(printed).toContain("which authority that is was not checked");
      expect((await verifyBundle(out, vkey, { requireWitnesses: true })).verdict).toBe("cannot-tell");
      expect((await verifyBundle(out, vkey, { ...outside, quorum: 3 })).missing).toEqual([
        "3 witnesses are required, and 2 of those whose keys are given cosigned what is here",
      ]);
    });

    it.each([
      [
        "cosigned.txt",
        (text: string) =>
          text.replace(
            /(— witness\.test\/w1 .{30})(.)/,
            (_all, before: string, sign: string) => `${before}${sign === "A" ? "B" : "A"}`,
          ),
        "does not verify",
      ],
      [
        "cosigned.txt",
        (text: string) => text.replace("\n20\n", "\n19\n"),
        "the signature of the checkpoint in cosigned.txt is not that of",
      ],
      [
        "timestamped.txt",
        (text: string) => text.replace("\n10\n", "\n11\n"),
        "the signature of the checkpoint in timestamped.txt is not that of",
      ],
      [
        "consistency.json",
        (text: string) => text.replace(/[0-9a-f]{64}/, "0".repeat(64)),
        "is no beginning of checkpoint 28",
      ],
      ["consistency.json", () => "{}", "is no beginning of checkpoint 28"],
      ["timestamp.tsr", () => "x", "is not a timestamp of the checkpoint in timestamped.txt"],
    ])("is broken if %s was changed", async (name, change, says) => {
      await edit(join(out, name), change);
      const report = await verifyBundle(out, vkey, { ...outside, authorities: authority.ca });
      expect([report.verdict, report.findings.join("\n")]).toEqual(["broken", expect.stringContaining(says)]);
    });

    it("leaves out evidence that its checkpoint does not continue", async () => {
      await rm(out, { recursive: true });
      await rewrite();
      await writeBundle(
        {
          dir,
          filter: parseFilter("action:DoNotCall"),
          size: 28,
          by: "rw",
          purpose: "audit",
          version: "1",
          configHash: "7c1e",
        },
        out,
      );
      const names = await readdir(out);
      expect(names).not.toContain("cosigned.txt");
      expect(JSON.parse(await readFile(join(out, "query.json"), "utf8"))).toMatchObject({
        outside: { cosigned: null, timestamped: 10 },
      });
      expect((await verifyBundle(out, vkey, outside)).verdict).toBe("broken");
    });
  });
});
