/** The gateway's side of witnesses, over HTTP: to true ones, and to those that are away, wrong or hostile. */
import { cp, readFile, readdir, rm } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createCheckpoints, type Checkpoints } from "../../../../src/journal/integrity/checkpoints/checkpoint.ts";
import type { Journal } from "../../../../src/journal/journal.ts";
import { openJournal } from "../../../../src/journal/write/open-journal.ts";
import { nodeDisk } from "../../../../src/journal/disk.ts";
import {
  cosign,
  readCheckpoint,
  signCheckpoint,
  textOfNote,
  verifierKey,
  witnessKey,
} from "../../../../src/journal/integrity/checkpoints/signed-note.ts";
import { paths } from "../../../../src/journal/paths.ts";
import { cosignaturesIn, readWitnessKey } from "../../../../src/journal/verify/bundle/cosignature.mjs";
import { Witnesses, type WitnessesEvent } from "../../../../src/journal/integrity/witness/witnesses.ts";
import { aScripted, aWitness, until, type Scripted, type TrueWitness } from "../../../kit/witness.ts";
import { ORIGIN, aDirectory, aKey, anIntent, removeDirectory } from "../../kit.ts";

const key = aKey();
const LOGS = new Map([[ORIGIN, [verifierKey(ORIGIN, key)]]]);
const TIMING = { timeout: 600, firstTry: 20, longestTry: 100, stop: 1000 };
/** Of the scripted ones. */
const own = { name: "witness.test/scripted", key: aKey() };
const OWN = witnessKey(own.name, own.key);

let base: string;
let [dir, state] = ["", ""];
let news: WitnessesEvent[];
let ends: (() => Promise<void>)[];
beforeEach(async () => {
  base = await aDirectory();
  [dir, state] = [join(base, "audit"), join(base, "witness")];
  [news, ends] = [[], []];
});
afterEach(async () => {
  for (const end of ends.toReversed()) await end();
  await removeDirectory(base);
});

type Running = {
  readonly journal: Journal;
  readonly checkpoints: Checkpoints;
  readonly witnesses: Witnesses;
  readonly grow: (count: number) => Promise<number>;
  readonly stop: () => Promise<void>;
};

/** A journal whose checkpoints go to the witnesses, as the gateway has it. */
const run = async (
  addresses: readonly { readonly url: string; readonly key: string }[],
  { quorum = 1, at = dir } = {},
): Promise<Running> => {
  let witnesses: Witnesses | undefined;
  const journal = await openJournal({
    dir: at,
    durability: "os",
    states: { key, origin: ORIGIN },
    beside: { witnesses: () => witnesses?.save() ?? null },
  });
  witnesses = new Witnesses({
    disk: nodeDisk,
    dir: at,
    witnesses: addresses,
    quorum,
    saved: journal.openedFrom.beside.witnesses,
    onNews: (each) => void news.push(each),
    timing: TIMING,
  });
  const checkpoints = await createCheckpoints(journal, {
    key,
    origin: ORIGIN,
    everyMs: 3_600_000,
    publish: witnesses.submit,
  });
  let number = journal.status().size;
  const grow = async (count: number): Promise<number> => {
    for (let done = 0; done < count; done++) await journal.append(anIntent(number++));
    await checkpoints.write();
    return checkpoints.last().size;
  };
  let isStopped = false;
  const stop = async (): Promise<void> => {
    if (isStopped) return;
    isStopped = true;
    await checkpoints.stop();
    await witnesses.stop();
    await journal.close();
  };
  ends.push(stop);
  return { journal, checkpoints, witnesses, grow, stop };
};

const aTrueOne = async (over: Parameters<typeof aWitness>[2] = {}, at = state): Promise<TrueWitness> => {
  const witness = await aWitness(at, LOGS, over);
  ends.push(witness.stop);
  return witness;
};
const scripted = async (script: Parameters<typeof aScripted>[0]): Promise<Scripted> => {
  const server = await aScripted(script);
  ends.push(server.stop);
  return server;
};
const cosignedSizes = async (at = dir): Promise<number[]> =>
  (await readdir(join(at, "checkpoints")))
    .filter((name) => name.endsWith(".cosigned"))
    .map((name) => Number.parseInt(name, 10))
    .toSorted((one, other) => one - other);
const rowsOf = async (size: number, keys: readonly string[]) =>
  cosignaturesIn(await readFile(paths(dir).cosigned(size), "utf8"), keys.map(readWitnessKey)).rows;
const kinds = (): string[] => news.map(({ kind }) => kind);

describe("checkpoints of a journal with witnesses", () => {
  it("are cosigned in order, and the cosigned notes are stored beside them", async () => {
    const witness = await aTrueOne();
    const { grow, witnesses } = await run([witness]);
    for (const [count, size] of [
      [1, 1],
      [4, 5],
      [300, 305],
    ] as const) {
      expect(await grow(count)).toBe(size);
      await until(() => witnesses.quorum()!.size === size);
    }
    expect(await cosignedSizes()).toEqual([1, 5, 305]);
    for (const size of [1, 5, 305]) {
      expect((await rowsOf(size, [witness.key])).map(({ verdict }) => verdict)).toEqual(["valid"]);
      expect(
        (await readFile(paths(dir).cosigned(size), "utf8")).startsWith(
          await readFile(paths(dir).checkpoint(size), "utf8"),
        ),
      ).toBe(true);
    }
    expect([news, witnesses.troubles(), witness.news.map(({ kind }) => kind)]).toEqual([
      [],
      [],
      ["cosigned", "cosigned", "cosigned"],
    ]);
  });

  it("carry the cosignatures of several witnesses, each once", async () => {
    const all = await Promise.all(
      [1, 2, 3].map((number) => aTrueOne({ name: `witness.test/w${number}` }, join(base, `w${number}`))),
    );
    const { grow, witnesses } = await run(all, { quorum: 3 });
    const size = await grow(10);
    await until(() => witnesses.quorum()!.isMet);
    expect(
      (
        await rowsOf(
          size,
          all.map((each) => each.key),
        )
      ).map(({ verdict }) => verdict),
    ).toEqual(["valid", "valid", "valid"]);
    const again = performance.now();
    witnesses.submit(await readFile(paths(dir).checkpoint(size), "utf8"));
    await until(() => witnesses.states().every(({ age }) => age! < performance.now() - again));
    await until(
      async () =>
        (await readFile(paths(dir).cosigned(size), "utf8")).split("\n").filter((line) => line.startsWith("— witness"))
          .length === 3,
    );
    expect(witnesses.quorum()).toEqual({ needed: 3, isMet: true, size });
  });

  it("continue with the witness's size after a restart, without asking for it", async () => {
    const witness = await aTrueOne({ key: own.key, name: own.name });
    const first = await run([witness]);
    await first.grow(7);
    await until(() => first.witnesses.quorum()!.size === 7);
    // The start state beside the next checkpoint has the size.
    await first.grow(3);
    await until(() => first.witnesses.quorum()!.size === 10);
    await first.stop();
    const server = await scripted(
      (body, response) =>
        void response.writeHead(200).end(cosign(textOfNote(body.toString().slice(body.indexOf("\n\n") + 2)), own, 1)),
    );
    const again = await run([{ url: server.url, key: OWN }]);
    expect(again.journal.openedFrom.beside.witnesses).toEqual({ [`${own.name}+${readWitnessKey(OWN).id}`]: 7 });
    await again.grow(1);
    await until(() => again.witnesses.quorum()!.size === 11);
    expect(server.asked.map(({ url, body }) => [url, body.split("\n")[0]])).toEqual([["/add-checkpoint", "old 7"]]);
  });

  it("continue from the size that the witness names, if it differs from the known one", async () => {
    const witness = await aTrueOne();
    const first = await run([witness]);
    for (const count of [3, 9]) await first.grow(count);
    await until(() => first.witnesses.quorum()!.size === 12);
    await first.stop();
    await rm(join(dir, "states"), { recursive: true });
    const again = await run([witness]);
    await again.grow(5);
    await until(() => again.witnesses.quorum()!.size === 17);
    expect(news).toEqual([]);
  });

  it("that were made while the witness was away are covered by the first one that it gets", async () => {
    const witness = await aTrueOne({ key: own.key, name: own.name });
    const { grow, witnesses } = await run([witness]);
    await grow(2);
    await until(() => witnesses.quorum()!.size === 2);
    const port = Number(new URL(witness.url).port);
    await witness.stop();
    for (let round = 0; round < 4; round++) await grow(3);
    await until(() => kinds().includes("away"));
    expect(witnesses.quorum()).toMatchObject({ isMet: false, size: 2 });
    expect(witnesses.troubles()[0]).toBe(
      "0 of 1 witnesses cosign, and audit.checkpoint.witness_quorum asks for 1; requests go on",
    );
    await aTrueOne({ key: own.key, name: own.name, port });
    await until(() => witnesses.quorum()!.size === 14);
    expect(kinds()).toEqual(["away", "quorum", "back", "quorum"]);
    expect(await cosignedSizes()).toEqual([2, 14]);
  });

  it("are submitted once more when the gateway stops", async () => {
    const witness = await aTrueOne();
    const { grow, journal, stop } = await run([witness]);
    await grow(4);
    await journal.append(anIntent(99));
    await stop();
    expect((await cosignedSizes()).at(-1)).toBe(5);
  });
});

describe("a quorum of witnesses", () => {
  it("that is met raises no alarm for a witness that is away, but reports that witness", async () => {
    const [one, two] = await Promise.all(
      [1, 2].map((number) => aTrueOne({ name: `witness.test/w${number}` }, join(base, `w${number}`))),
    );
    const gone = await scripted((_body, response) => void response.writeHead(503).end());
    const { grow, witnesses } = await run([one!, two!, { url: gone.url, key: OWN }], { quorum: 2 });
    const size = await grow(6);
    await until(() => witnesses.quorum()!.isMet && kinds().length > 0);
    expect(witnesses.quorum()).toEqual({ needed: 2, isMet: true, size });
    expect(news).toEqual([
      { kind: "away", witness: `${own.name}+${readWitnessKey(OWN).id}`, reason: "it answered 503" },
    ]);
    expect(witnesses.troubles()).toEqual([
      expect.stringMatching(/^witness witness\.test\/scripted\+\w{8} does not cosign: it answered 503$/),
    ]);
  });

  it("counts no witness that has not answered yet, neither to raise the alarm nor to clear it", async () => {
    let isAway = true;
    const [one, two] = [1, 2].map((number) => ({ name: `witness.test/s${number}`, key: aKey() })) as [
      typeof own,
      typeof own,
    ];
    const [first, second] = (await Promise.all(
      [one, two].map((each) =>
        scripted((body, response) =>
          isAway ? void response.writeHead(503).end() : ok(response, cosign(textOfNote(noteIn(body)), each, 7)),
        ),
      ),
    )) as [Scripted, Scripted];
    const slow = await scripted(
      (body, response) => void setTimeout(() => ok(response, cosign(textOfNote(noteIn(body)), own, 7)), 400),
    );
    const { grow, witnesses } = await run(
      [
        { url: first.url, key: witnessKey(one.name, one.key) },
        { url: second.url, key: witnessKey(two.name, two.key) },
        { url: slow.url, key: OWN },
      ],
      { quorum: 2 },
    );
    await grow(3);
    await until(() => kinds().includes("quorum"));
    expect(news.find(({ kind }) => kind === "quorum")).toEqual({
      kind: "quorum",
      isMet: false,
      needed: 2,
      cosigning: 0,
    });
    expect(witnesses.troubles()[0]).toMatch(/^0 of 3 witnesses cosign/);
    isAway = false;
    await until(() => news.filter(({ kind }) => kind === "quorum").length === 2);
    expect(news.findLast(({ kind }) => kind === "quorum")).toMatchObject({ isMet: true, cosigning: 2 });
  });

  it("is not met before any witness has answered", async () => {
    const hangs = await scripted(() => undefined);
    const { witnesses } = await run([{ url: hangs.url, key: OWN }]);
    expect(witnesses.quorum()).toEqual({ needed: 1, isMet: false, size: 0 });
    expect((await run([], { at: join(base, "other") })).witnesses.quorum()).toBe(null);
  });
});

const noteIn = (body: Buffer): string => body.toString().slice(body.indexOf("\n\n") + 2);
const ok = (response: ServerResponse, text: string): void =>
  void response.writeHead(200, { "content-type": "text/plain" }).end(text);
const sizeSaid = (response: ServerResponse, text: string, type = "text/x.tlog.size"): void =>
  void response.writeHead(409, { "content-type": type }).end(text);
const otherRoot = (body: Buffer): string => {
  const { size } = readCheckpoint(noteIn(body))!;
  return textOfNote(signCheckpoint({ origin: ORIGIN, size, root: Buffer.alloc(32, 9) }, key));
};

const HOSTILE: readonly (readonly [string, RegExp, Parameters<typeof aScripted>[0]])[] = [
  ["hangs", /no answer within 0\.6 s/, () => undefined],
  ["closes the connection", /does not cosign/, (_body, response) => void response.destroy()],
  [
    "begins an answer and goes no further",
    /no answer within 0\.6 s/,
    (_body, response) => void response.writeHead(200, { "content-length": 500 }).write("— "),
  ],
  [
    "answers without end",
    /more than 65536 bytes|no answer within/,
    (_body, response) => {
      const more = (): boolean => response.writable && response.write("x".repeat(16_384)) && more();
      response.writeHead(200).on("drain", more);
      more();
    },
  ],
  ["answers 500", /it answered 500/, (_body, response) => void response.writeHead(500).end("sorry")],
  [
    "does not know the journal",
    /does not know this journal \(404\)/,
    (_body, response) => void response.writeHead(404).end(),
  ],
  [
    "has another key for the journal",
    /does not accept the signature \(403\)/,
    (_body, response) => void response.writeHead(403).end(),
  ],
  [
    "sends the question elsewhere",
    /does not cosign/,
    (_body, response) => void response.writeHead(307, { location: "http://127.0.0.1:1/" }).end(),
  ],
  ["answers 200 with a page", /no list of signatures/, (_body, response) => ok(response, "<html>welcome</html>\n")],
  ["answers 200 with nothing", /no list of signatures/, (_body, response) => ok(response, "")],
  [
    "signs with another key",
    /without a cosignature by witness\.test\/scripted/,
    (body, response) => ok(response, cosign(textOfNote(noteIn(body)), { name: own.name, key: aKey() }, 1)),
  ],
  [
    "signs in another name",
    /without a cosignature by witness\.test\/scripted/,
    (body, response) => ok(response, cosign(textOfNote(noteIn(body)), { name: "witness.test/else", key: own.key }, 1)),
  ],
  [
    "cosigns another root",
    /does not verify for this checkpoint/,
    (body, response) => ok(response, cosign(otherRoot(body), own, 1)),
  ],
  [
    "cosigns another text",
    /does not verify for this checkpoint/,
    (_body, response) => ok(response, cosign("hello\n", own, 1)),
  ],
  [
    "cuts its signature",
    /does not verify for this checkpoint/,
    (body, response) => {
      const bytes = Buffer.from(cosign(textOfNote(noteIn(body)), own, 1).split(" ")[2]!, "base64");
      ok(response, `— ${own.name} ${bytes.subarray(0, 60).toString("base64")}\n`);
    },
  ],
  [
    "changes the time behind its signature",
    /does not verify for this checkpoint/,
    (body, response) => {
      const bytes = Buffer.from(cosign(textOfNote(noteIn(body)), own, 1).split(" ")[2]!, "base64");
      bytes.writeBigUInt64BE(2n, 4);
      ok(response, `— ${own.name} ${bytes.toString("base64")}\n`);
    },
  ],
  [
    "states a time that no calendar has",
    /does not verify for this checkpoint/,
    (body, response) => ok(response, cosign(textOfNote(noteIn(body)), own, 2 ** 53)),
  ],
  [
    "names its size as another type",
    /409 without the size/,
    (_body, response) => sizeSaid(response, "3\n", "text/plain"),
  ],
  ["names no size", /409 without the size/, (_body, response) => sizeSaid(response, "many\n")],
  ["names a size with a leading zero", /409 without the size/, (_body, response) => sizeSaid(response, "03\n")],
  [
    "repeats the size of the request",
    /409 with 0, the size in the request/,
    (_body, response) => sizeSaid(response, "0\n"),
  ],
  [
    "names another size each time",
    /had cosigned 3 entries, and then 4/,
    (body, response) => sizeSaid(response, body.toString().startsWith("old 3\n") ? "4\n" : "3\n"),
  ],
];

describe("a witness that", () => {
  it.each(HOSTILE)(
    "%s gives no cosignature, is reported with the reason, and is asked again",
    async (_what, reason, script) => {
      let isHostile = true;
      const server = await scripted((body, response) =>
        isHostile ? script(body, response) : ok(response, cosign(textOfNote(noteIn(body)), own, 7)),
      );
      const { grow, witnesses, journal } = await run([{ url: server.url, key: OWN }]);
      const began = performance.now();
      const size = await grow(6);
      // Neither the checkpoint nor an entry waits for it.
      await journal.append(anIntent(500));
      expect(performance.now() - began).toBeLessThan(590);
      await until(() => news.length >= 2);
      expect(news[0]).toMatchObject({ kind: "away", reason: expect.stringMatching(/./) });
      expect(witnesses.troubles().join("\n")).toMatch(reason);
      expect(await cosignedSizes()).toEqual([]);
      isHostile = false;
      await until(() => witnesses.quorum()!.isMet);
      expect(await cosignedSizes()).toEqual([size]);
      expect(kinds()).toEqual(["away", "quorum", "back", "quorum"]);
    },
  );

  it("adds other signatures to its own is accepted for its own", async () => {
    const server = await scripted((body, response) =>
      ok(
        response,
        [
          cosign("hello\n", { name: "witness.test/else", key: aKey() }, 3),
          cosign(textOfNote(noteIn(body)), own, 1),
        ].join(""),
      ),
    );
    const { grow, witnesses } = await run([{ url: `${server.url}/prefix/?site=a`, key: OWN }]);
    const size = await grow(2);
    await until(() => witnesses.quorum()!.isMet);
    expect(server.asked[0]!.url).toBe("/prefix/add-checkpoint?site=a");
    expect(await readFile(paths(dir).cosigned(size), "utf8")).not.toContain("witness.test/else");
  });
});

describe("a journal that differs from the one that the witness knows", () => {
  it("is reported as older if the witness knows more entries, as after restoring a copy", async () => {
    const witness = await aTrueOne();
    const first = await run([witness]);
    await first.grow(5);
    await until(() => first.witnesses.quorum()!.size === 5);
    await first.stop();
    await cp(dir, join(base, "copy"), { recursive: true });
    const second = await run([witness]);
    await second.grow(20);
    await until(() => second.witnesses.quorum()!.size === 25);
    await second.stop();
    news.length = 0;
    const restored = await run([witness], { at: join(base, "copy") });
    await restored.grow(3);
    await until(() => news.length > 0);
    expect(news[0]).toMatchObject({ kind: "ahead", size: 25, own: 8 });
    expect(restored.witnesses.troubles().join()).toContain(
      "says that it cosigned 25 entries, and this journal has 8: it is an older copy",
    );
    // And when it has grown beyond that, it is another history.
    await restored.grow(40);
    await until(() => news.some(({ kind }) => kind === "contradiction"));
    expect(news.find(({ kind }) => kind === "contradiction")).toMatchObject({ size: 25, own: 48 });
    expect(await cosignedSizes(join(base, "copy"))).toEqual([5]);
    expect(witness.news.at(-1)).toMatchObject({ kind: "unproved", before: 25 });
    // The entries go on all the same.
    expect(restored.journal.status().failed).toBeUndefined();
  });

  it("is reported as another history if the witness was shown two versions", async () => {
    const witness = await aTrueOne();
    const first = await run([witness]);
    await first.grow(5);
    await until(() => first.witnesses.quorum()!.size === 5);
    await first.stop();
    const other = await run([witness], { at: join(base, "other") });
    await other.journal.append(anIntent(77));
    await other.grow(4);
    await until(() => news.length > 0);
    expect(news[0]).toMatchObject({ kind: "contradiction", size: 5, own: 5 });
    await other.grow(9);
    await until(() => witness.news.length > 2);
    expect(await cosignedSizes(join(base, "other"))).toEqual([]);
    expect(other.witnesses.quorum()).toEqual({ needed: 1, isMet: false, size: 0 });
  });

  it("is reported as damaged, not as another history, if its leaf hashes do not lead to its checkpoint", async () => {
    const witness = await aTrueOne();
    const { grow, witnesses } = await run([witness]);
    await grow(5);
    await until(() => witnesses.quorum()!.size === 5);
    await nodeDisk.open(paths(dir).leaves(0), "create").then(async (file) => {
      await file.write(Buffer.alloc(32, 5), 32);
      await file.close();
    });
    await grow(4);
    await until(() => news.length > 0);
    expect(news[0]).toMatchObject({
      kind: "away",
      reason: "the leaf hashes of the first 9 entries do not lead to checkpoint 9",
    });
  });

  it("is cosigned again by a witness that lost its record, which is reported", async () => {
    const witness = await aTrueOne({ key: own.key, name: own.name });
    const { grow, witnesses } = await run([witness]);
    await grow(5);
    await until(() => witnesses.quorum()!.size === 5);
    const port = Number(new URL(witness.url).port);
    await witness.stop();
    await rm(state, { recursive: true });
    await aTrueOne({ key: own.key, name: own.name, port });
    const size = await grow(2);
    await until(() => witnesses.quorum()!.size === size);
    expect(news.filter(({ kind }) => kind === "lost")).toEqual([
      { kind: "lost", witness: `${own.name}+${readWitnessKey(OWN).id}`, before: 5, now: 0 },
    ]);
  });
});
