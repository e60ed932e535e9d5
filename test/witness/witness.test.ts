/**
 * A witness as the specification has it (C2SP tlog-witness): which checkpoints it cosigns, and what it answers to
 * the others.
 */
import { readFile, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { nodeDisk, type Disk } from "../../src/journal/disk.ts";
import {
  cosign,
  signCheckpoint,
  signNote,
  verifierKey,
  witnessKey,
} from "../../src/journal/integrity/checkpoints/signed-note.ts";
import {
  consistencyProof,
  digestBytes,
  EMPTY_ROOT,
  leafHash,
  rootOf,
  type Digest,
} from "../../src/journal/integrity/merkle-tree.ts";
import { cosignaturesIn, readWitnessKey } from "../../src/journal/verify/bundle/cosignature.mjs";
import { CosignedCheckpoints } from "../../src/witness/cosigned-checkpoints.ts";
import { Witness, type WitnessEvent } from "../../src/witness/witness.ts";
import { aDirectory, aKey, removeDirectory } from "../journal/kit.ts";

const LOG = "gateway.test/main";
const OTHER = "gateway.test/other";
const own = { name: "witness.test/w1", key: aKey() };
const [logKey, otherKey, stranger] = [aKey(), aKey(), aKey()];
const LOGS = new Map([
  [LOG, [verifierKey(LOG, aKey()), verifierKey(LOG, logKey)]],
  [OTHER, [verifierKey(OTHER, otherKey)]],
]);
const vkey = readWitnessKey(witnessKey(own.name, own.key));
const NOW = 1_795_934_922;

let dir: string;
let news: WitnessEvent[];
beforeEach(async () => {
  dir = await aDirectory();
  news = [];
});
afterEach(() => removeDirectory(dir));

const open = async (disk: Disk = nodeDisk): Promise<Witness> =>
  new Witness({
    own,
    records: await CosignedCheckpoints.open(dir, own, disk),
    logs: () => Promise.resolve(LOGS),
    onEvent: (each) => void news.push(each),
    now: () => NOW,
  });

const leaves = (size: number, of = "entry"): Digest[] =>
  Array.from({ length: size }, (_, index) => leafHash(Buffer.from(`${of} ${index}`)));
const note = (
  size: number,
  { of = "entry", origin = LOG, key = logKey, more = [] as readonly string[] } = {},
): string => signCheckpoint({ origin, size, root: digestBytes(rootOf(leaves(size, of))) }, key, more);
const proofLines = (old: number, size: number, of = "entry"): string[] =>
  consistencyProof(leaves(size, of), old).map((each) => digestBytes(each).toString("base64"));
const body = (old: number, proof: readonly string[], text: string): Buffer =>
  Buffer.from(`old ${old}\n${proof.map((line) => `${line}\n`).join("")}\n${text}`);
const submit = (witness: Witness, old: number, size: number, of = "entry") =>
  witness.add(body(old, old === size ? [] : proofLines(old, size, of), note(size, { of })));

describe("a witness", () => {
  it("cosigns a first checkpoint and its continuation, with the time and over the whole text", async () => {
    const witness = await open();
    for (const [old, size] of [
      [0, 1],
      [1, 1],
      [1, 5],
      [5, 8],
      [8, 8],
      [8, 130],
    ] as const) {
      const answer = await submit(witness, old, size);
      expect([old, size, answer.status]).toEqual([old, size, 200]);
      const { rows } = cosignaturesIn(note(size) + answer.text, [vkey]);
      expect(rows).toEqual([{ name: own.name, id: vkey.id, verdict: "valid", time: NOW }]);
    }
    // Of [1, 1] and [8, 8] there is nothing new to tell.
    expect(news.map(({ kind }) => kind)).toEqual(Array.from({ length: 4 }, () => "cosigned"));
  });

  it("signs also the lines after the root", async () => {
    const witness = await open();
    const text = note(3, { more: ["restored"] });
    const { text: line } = await witness.add(body(0, [], text));
    expect(cosignaturesIn(text + line, [vkey]).rows[0]!.verdict).toBe("valid");
    expect(cosignaturesIn(note(3) + line, [vkey]).rows[0]!.verdict).toBe("invalid");
  });

  it("keeps logs apart", async () => {
    const witness = await open();
    await submit(witness, 0, 9);
    const answer = await witness.add(body(0, [], note(4, { origin: OTHER, key: otherKey })));
    expect(answer.status).toBe(200);
    expect((await submit(witness, 9, 10)).status).toBe(200);
  });

  it("accepts the empty tree with its own root only", async () => {
    const witness = await open();
    expect(
      (await witness.add(body(0, [], signCheckpoint({ origin: LOG, size: 0, root: digestBytes(EMPTY_ROOT) }, logKey))))
        .status,
    ).toBe(200);
    expect(
      (await witness.add(body(0, [], signCheckpoint({ origin: LOG, size: 0, root: Buffer.alloc(32, 1) }, logKey))))
        .status,
    ).toBe(409);
  });
});

const five = note(5);
const REFUSED: readonly (readonly [string, number, Buffer])[] = [
  ["an unknown origin", 404, body(0, [], note(5, { origin: "unknown.test/x" }))],
  ["another key in the log's name", 403, body(0, [], note(5, { key: stranger }))],
  ["the key of another log", 403, body(0, [], note(5, { key: otherKey }))],
  ["a text that was changed after signing", 403, body(0, [], five.replace("\n5\n", "\n6\n"))],
  ["an old size above the checkpoint's", 400, body(6, [], five)],
  ["an old size with a leading zero", 400, Buffer.from(`old 00\n\n${five}`)],
  ["a negative old size", 400, Buffer.from(`old -1\n\n${five}`)],
  ["no old size", 400, Buffer.from(`\n${five}`)],
  ["a line of the proof that is no hash", 400, body(0, ["AAAA"], five)],
  ["a line of the proof with stray bits", 400, body(0, [`${"A".repeat(42)}B=`], five)],
  [
    "64 lines of proof",
    400,
    body(
      0,
      Array.from({ length: 64 }, () => `${"A".repeat(43)}=`),
      five,
    ),
  ],
  ["no empty line", 400, Buffer.from(`old 0\n${LOG}`)],
  ["a checkpoint without a signature", 400, Buffer.from(`old 0\n\n${LOG}\n5\n${"A".repeat(43)}=\n`)],
  ["a signed note that is no checkpoint", 400, body(0, [], signNote("hello\n", LOG, logKey))],
  ["control characters", 400, Buffer.from(`old 0\n\n${five}`.replace("main", "ma\u0007n"))],
  ["bytes that are no UTF-8", 400, Buffer.concat([Buffer.from("old 0\n\n"), Buffer.of(0xff, 0xfe), Buffer.from(five)])],
  ["a carriage return", 400, Buffer.from(`old 0\r\n\r\n${five}`)],
  ["nothing", 400, Buffer.alloc(0)],
  ["a proof with an old size of 0", 422, body(0, proofLines(3, 5), five)],
];

describe("a witness that has cosigned nothing", () => {
  it.each(REFUSED)("does not cosign %s", async (_what, status, sent) => {
    const answer = await (await open()).add(sent);
    expect([answer.status, answer.text.includes("—")]).toEqual([status, false]);
    expect(await readdir(join(dir, "logs"))).toEqual([]);
  });

  it("answers another old size with 0", async () => {
    expect(await (await open()).add(body(3, proofLines(3, 5), five))).toEqual({
      status: 409,
      type: "text/x.tlog.size",
      text: "0\n",
    });
  });
});

describe("a witness that has cosigned 5 entries", () => {
  it("answers another old size with its own", async () => {
    const witness = await open();
    await submit(witness, 0, 5);
    for (const old of [0, 3, 6])
      expect(await submit(witness, old, 9)).toEqual({ status: 409, type: "text/x.tlog.size", text: "5\n" });
    expect(await submit(witness, 3, 3)).toMatchObject({ status: 409 });
  });

  it.each([
    [
      "another history, proved by its own tree",
      422,
      body(5, proofLines(5, 9, "other"), note(9, { of: "other" })),
      "unproved",
    ],
    ["a proof of another size", 422, body(5, proofLines(4, 9), note(9)), "unproved"],
    ["a proof that lacks a line", 422, body(5, proofLines(5, 9).slice(1), note(9)), "unproved"],
    ["a proof with a line too many", 422, body(5, [...proofLines(5, 9), `${"A".repeat(43)}=`], note(9)), "unproved"],
    ["no proof", 422, body(5, [], note(9)), "unproved"],
    ["another tree of the same size", 409, body(5, [], note(5, { of: "other" })), "contradiction"],
    [
      "another tree of the same size, with a proof",
      422,
      body(5, proofLines(3, 5), note(5, { of: "other" })),
      "contradiction",
    ],
    ["a proof where none belongs", 422, body(5, proofLines(3, 5), five), undefined],
  ] as const)("does not cosign %s, and remembers what it had", async (_what, status, sent, kind) => {
    const witness = await open();
    await submit(witness, 0, 5);
    const answer = await witness.add(sent);
    expect([answer.status, answer.text.includes("—")]).toEqual([status, false]);
    expect(news.at(-1)).toMatchObject(kind ? { kind, origin: LOG, before: 5 } : { kind: "cosigned" });
    expect((await submit(witness, 5, 9)).status).toBe(200);
  });

  it("reports a checkpoint once, with the log's signature only, however often it is sent", async () => {
    const witness = await open();
    await submit(witness, 0, 5);
    const more = `— ${LOG} ${Buffer.alloc(40_000, 1).toString("base64")}\n`;
    for (let round = 0; round < 3; round++) await witness.add(body(5, proofLines(4, 9), note(9) + more));
    await witness.add(body(5, [], note(8)));
    expect(news.slice(1)).toEqual([
      { kind: "unproved", origin: LOG, size: 9, before: 5, note: note(9) },
      { kind: "unproved", origin: LOG, size: 8, before: 5, note: note(8) },
    ]);
  });

  it("cosigns only one of two forks that arrive at the same time", async () => {
    const witness = await open();
    await submit(witness, 0, 5);
    const answers = await Promise.all([
      submit(witness, 5, 9),
      submit(witness, 5, 7),
      witness.add(body(5, proofLines(5, 9, "other"), note(9, { of: "other" }))),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([200, 409, 409]);
  });
});

describe("a malformed signature line of a log", () => {
  it.each([
    ["a word behind it", (line: string) => `${line} x`],
    ["a blank behind it", (line: string) => `${line} `],
    ["signs that are no base64", (line: string) => line.replace(/.$/, "=!")],
    ["base64 without its end", (line: string) => line.replace(/=+$/, "")],
    [
      "base64 for addresses",
      (line: string) => line.replace(/[^ ]+$/, (text) => Buffer.from(text, "base64").toString("base64url")),
    ],
  ])("is rejected and not stored: %s", async (_what, change) => {
    const witness = await open();
    const [text, line] = note(5).trimEnd().split("\n\n") as [string, string];
    expect((await witness.add(body(0, [], `${text}\n\n${change(line)}\n`))).status).toBe(403);
    expect((await witness.add(body(0, [], `${text}\n\n${change(line)}\n${line}\n`))).status).toBe(200);
    // A restart reads the record again.
    expect((await submit(await open(), 5, 8)).status).toBe(200);
  });
});

describe("other lines that are sent with a checkpoint", () => {
  it.each([
    ["a line that is no signature", "— gateway.test/main !!!\n"],
    [
      "a signature by an unknown key",
      signCheckpoint({ origin: LOG, size: 5, root: Buffer.alloc(32) }, stranger).split("\n\n")[1]!,
    ],
    ["a hundred lines", "— gateway.test/main AAAAAAAAAAAA\n".repeat(100)],
    ["a false cosignature in the witness's own name", cosign("hello\n", own, 3)],
  ])("are not stored, so that a restart succeeds: %s", async (_what, more) => {
    const answer = await (await open()).add(body(0, [], note(5) + more));
    expect(answer.status).toBe(200);
    const again = await open();
    expect(await submit(again, 0, 5)).toMatchObject({ status: 409, text: "5\n" });
    expect((await submit(again, 5, 8)).status).toBe(200);
  });
});

describe("the state of a witness", () => {
  const file = async (): Promise<string> => join(dir, "logs", (await readdir(join(dir, "logs")))[0]!);

  it("outlives the process, as a note that verifies", async () => {
    await submit(await open(), 0, 5);
    expect(cosignaturesIn(await readFile(await file(), "utf8"), [vkey]).rows[0]!.verdict).toBe("valid");
    const again = await open();
    expect(await submit(again, 0, 5)).toMatchObject({ status: 409, text: "5\n" });
    expect((await submit(again, 5, 6)).status).toBe(200);
  });

  it("is flushed before the cosignature is sent", async () => {
    const calls: string[] = [];
    const disk: Disk = {
      ...nodeDisk,
      open: async (path, how) => {
        const opened = await nodeDisk.open(path, how);
        return {
          ...opened,
          read: opened.read.bind(opened),
          size: opened.size.bind(opened),
          truncate: opened.truncate.bind(opened),
          close: opened.close.bind(opened),
          write: opened.write.bind(opened),
          flush: async () => {
            await opened.flush();
            calls.push("flushed");
          },
        };
      },
      rename: async (from, to) => {
        await nodeDisk.rename(from, to);
        calls.push("renamed");
      },
      syncDirectory: async (path) => {
        await nodeDisk.syncDirectory(path);
        calls.push("synced");
      },
    };
    const answered = submit(await open(disk), 0, 5).then(({ status }) => calls.push(`answered ${status}`));
    await answered;
    expect(calls).toEqual(["flushed", "renamed", "synced", "answered 200"]);
  });

  it.each(["open", "rename", "syncDirectory"] as const)(
    "that cannot be written (%s) means no cosignature, and the same question is answered later",
    async (call) => {
      let isBroken = true;
      const disk: Disk = {
        ...nodeDisk,
        [call]: (...given: never[]) =>
          isBroken
            ? Promise.reject(new Error("the disk is full"))
            : (nodeDisk[call] as (...all: never[]) => unknown)(...given),
      };
      const witness = await open(disk);
      expect(await submit(witness, 0, 5)).toMatchObject({ status: 500, text: expect.not.stringContaining("—") });
      expect(news).toEqual([{ kind: "failed", reason: "the disk is full" }]);
      isBroken = false;
      expect((await submit(witness, 0, 5)).status).toBe(200);
    },
  );

  it.each([
    ["was cut", (text: string) => text.slice(0, 60)],
    ["says another size", (text: string) => text.replace("\n5\n", "\n3\n")],
    ["lost the cosignature", (text: string) => text.replace(/— witness[^\n]*\n/, "")],
    ["is empty", () => ""],
  ])("is rejected at start when it %s", async (_what, change) => {
    await submit(await open(), 0, 5);
    const path = await file();
    await writeFile(path, change(await readFile(path, "utf8")));
    await expect(open()).rejects.toThrow(`${path} does not have this witness's cosignature`);
    await rm(path);
  });
});
