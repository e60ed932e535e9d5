/** Checkpoint sinks: a file, a syslog receiver; in order, also after it was away; what they prove at the next start. */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { appendFile, cp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openJournal } from "../../../../src/journal/write/open-journal.ts";
import { catchUp, Publisher, type PublisherEvent } from "../../../../src/journal/integrity/checkpoints/publisher.ts";
import {
  checkpointSink,
  type CheckpointSink,
  type Delivered,
} from "../../../../src/journal/integrity/checkpoints/checkpoint-sink.ts";
import { nodeDisk } from "../../../../src/journal/disk.ts";
import { signedIn } from "../../../../src/journal/integrity/signed-evidence.ts";
import {
  readCheckpoint,
  verifierKey,
  type Checkpoint,
} from "../../../../src/journal/integrity/checkpoints/signed-note.ts";
import {
  ORIGIN,
  aDirectory,
  aJournal,
  aKey,
  anIntent,
  checkpointsOf,
  linesOf,
  openWithCheckpoints,
  removeDirectory,
  writeLines,
} from "../../kit.ts";

let dir: string;
beforeEach(async () => {
  dir = await aDirectory();
});
afterEach(() => removeDirectory(dir));

const notesOf = async (place = dir): Promise<string[]> =>
  Promise.all(
    (await checkpointsOf(place)).toSorted().map((name) => readFile(join(place, "checkpoints", name), "utf8")),
  );
const sizesIn = async (place: CheckpointSink): Promise<number[] | undefined> =>
  (await place.published())?.map((note) => readCheckpoint(note)!.size);
const aFile = (): CheckpointSink => checkpointSink({ kind: "file", path: join(dir, "elsewhere.txt") });

/** RFC 5424: priority 109 is facility 13 (log audit), severity 5 (notice). The message is the note as a JSON text. */
const MESSAGE = /^<109>1 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z \S+ ocsgw \d+ checkpoint - (".*")$/s;

describe("a checkpoint sink in a file", () => {
  it("contains the notes in order, in a form that any program can split and read back", async () => {
    await aJournal(join(dir, "j"), aKey(), { size: 6, checkpointsAt: [2, 4, 6] });
    const notes = await notesOf(join(dir, "j"));
    for (const note of notes) await aFile().deliver(note);
    expect(await readFile(join(dir, "elsewhere.txt"), "utf8")).toBe(notes.map((note) => `${note}\n`).join(""));
    expect(await sizesIn(aFile())).toEqual([2, 4, 6]);
  });

  it("that does not exist yet contains no notes, and a partial note is not one", async () => {
    expect(await aFile().published()).toEqual([]);
    await appendFile(join(dir, "elsewhere.txt"), "gateway.test/main\n5\nAAAA");
    expect(await aFile().published()).toEqual([]);
  });
});

describe("a checkpoint sink in a file that lost checkpoints", () => {
  const path = (): string => join(dir, "elsewhere.txt");
  const [one, two, three] = ["one", "two", "three"].map((each) => `${each}\n\n`) as [string, string, string];

  it.each<[string, { lose: () => Promise<void>; restore: (lost: string) => Promise<void>; found: Delivered }]>([
    [
      "all put back before the newer one",
      { lose: () => rm(path()), restore: (lost) => writeFile(path(), lost + three), found: "complete" },
    ],
    [
      "all put back after it was shortened",
      { lose: () => writeFile(path(), one), restore: (lost) => writeFile(path(), lost + three), found: "complete" },
    ],
    [
      "all but the newest put back",
      { lose: () => rm(path()), restore: () => writeFile(path(), one + three), found: "incomplete" },
    ],
    [
      "all but the first put back",
      { lose: () => rm(path()), restore: () => writeFile(path(), two + three), found: "incomplete" },
    ],
    ["nothing put back", { lose: () => writeFile(path(), ""), restore: () => Promise.resolve(), found: "incomplete" }],
    [
      "other things put back",
      { lose: () => rm(path()), restore: () => appendFile(path(), "x".repeat(1000)), found: "incomplete" },
    ],
    ["the newer one lost again", { lose: () => rm(path()), restore: () => rm(path()), found: "shortened" }],
  ])("and has %s", async (_what, { lose, restore, found }) => {
    const sink = aFile();
    expect([await sink.deliver("one\n"), await sink.deliver("two\n")]).toEqual(["complete", "complete"]);
    const lost = await readFile(path(), "utf8");
    expect(lost).toBe(one + two);
    await lose();
    expect(await sink.deliver("three\n")).toBe("shortened");
    await restore(lost);
    expect(await sink.deliver("four\n")).toBe(found);
    expect(await sink.deliver("five\n")).toBe(found === "shortened" ? "incomplete" : found);
  });

  it("is a trouble until they are there again, and reported once each", async () => {
    const news: PublisherEvent[] = [];
    const publisher = new Publisher(aFile(), (each) => news.push(each));
    const publish = async (note: string): Promise<void> => {
      publisher.publish(note);
      await publisher.stop();
    };
    await publish("one\n");
    const lost = await readFile(path(), "utf8");
    await rm(path());
    await publish("two\n");
    await publish("three\n");
    expect([publisher.trouble, publisher.arrives]).toEqual([
      `earlier checkpoints are missing in file:${path()}: it was removed, emptied or shortened`,
      false,
    ]);
    await writeFile(path(), lost + (await readFile(path(), "utf8")));
    await publish("four\n");
    await publish("five\n");
    expect([publisher.trouble, publisher.arrives]).toEqual([undefined, true]);
    expect(news.map(({ kind }) => kind)).toEqual(["shortened", "restored"]);
  });
});

describe("a syslog receiver", () => {
  it("gets a datagram for each note", async () => {
    const receiver = createSocket("udp4").bind(0, "127.0.0.1");
    await once(receiver, "listening");
    const arrived = once(receiver, "message");
    await checkpointSink({ kind: "syslog", protocol: "udp", host: "127.0.0.1", port: receiver.address().port }).deliver(
      "a\nnote\n",
    );
    const [message] = (await arrived) as [Buffer];
    expect(JSON.parse(MESSAGE.exec(message.toString())![1]!)).toBe("a\nnote\n");
    receiver.close();
  });

  it("gets each note over TCP with its length before it, and counts as away when nobody listens", async () => {
    const received: string[] = [];
    const server = createServer((socket) =>
      socket.setEncoding("utf8").on("data", (chunk: string) => received.push(chunk)),
    ).listen(0, "127.0.0.1");
    await once(server, "listening");
    const place = checkpointSink({
      kind: "syslog",
      protocol: "tcp",
      host: "127.0.0.1",
      port: (server.address() as AddressInfo).port,
    });
    await place.deliver("ä\n");
    const [, length, message] = /^(\d+) (.*)$/s.exec(received.join(""))!;
    expect(Buffer.byteLength(message!)).toBe(Number(length));
    expect(JSON.parse(MESSAGE.exec(message!)![1]!)).toBe("ä\n");
    await new Promise((resolve) => server.close(resolve));
    await expect(place.deliver("x")).rejects.toThrow("ECONNREFUSED");
  });
});

describe("publishing to a sink", () => {
  /** A place whose deliveries the test ends. */
  const aSlowPlace = (): { place: CheckpointSink; asked: string[]; end: ((error?: Error) => void)[] } => {
    const [asked, end]: [string[], ((error?: Error) => void)[]] = [[], []];
    const deliver = (note: string): Promise<Delivered> =>
      new Promise((resolve, reject) => {
        asked.push(note);
        end.push((error) => (error ? reject(error) : resolve("complete")));
      });
    return { place: { name: "slow", deliver, published: () => Promise.resolve(undefined) }, asked, end };
  };

  it("keeps the order, and reports once that the sink is away and once that it is back", async () => {
    const news: PublisherEvent[] = [];
    const { place, asked, end } = aSlowPlace();
    const publisher = new Publisher(place, (one) => news.push(one));
    for (const note of ["1", "2", "3"]) publisher.publish(note);
    expect(asked).toEqual(["1"]);
    end[0]!(new Error("gone"));
    await expect.poll(() => asked.length, { timeout: 5000 }).toBe(2);
    expect(publisher.trouble).toBe("3 checkpoints wait for slow: gone");
    for (const at of [1, 2, 3]) {
      await expect.poll(() => end.length).toBeGreaterThan(at);
      end[at]!();
    }
    await publisher.stop();
    expect(asked).toEqual(["1", "1", "2", "3"]);
    expect(news).toEqual([
      { kind: "away", place: "slow", reason: "gone" },
      { kind: "back", place: "slow" },
    ]);
    expect(publisher.trouble).toBeUndefined();
  });

  it("does not wait for a sink that hangs, and does not resend a note that arrives late", async () => {
    const news: PublisherEvent[] = [];
    const { place, asked, end } = aSlowPlace();
    const publisher = new Publisher(place, (one) => news.push(one));
    publisher.publish("1");
    publisher.publish("2");
    await expect.poll(() => news.length, { timeout: 5000 }).toBe(1);
    expect(news[0]).toEqual({ kind: "away", place: "slow", reason: "no answer from slow for 2000 ms" });
    end[0]!();
    await expect.poll(() => asked, { timeout: 5000 }).toEqual(["1", "2"]);
    end[1]!();
    await publisher.stop();
  }, 15_000);

  it("delivers checkpoints that had not arrived before the last stop", async () => {
    await aJournal(dir, aKey(), { size: 6, checkpointsAt: [2, 4, 6] });
    const publisher = new Publisher(aFile(), () => undefined);
    await catchUp({ disk: nodeDisk, dir }, publisher, 2);
    await publisher.stop();
    expect(await sizesIn(aFile())).toEqual([4, 6]);
  });
});

describe("a journal whose checkpoints were published", () => {
  const key = aKey();
  /** Its directory as it was after four entries, and what was published after six. */
  const aged = async (): Promise<readonly Checkpoint[]> => {
    await mkdir(join(dir, "old"));
    const { journal, checkpoints, close } = await openWithCheckpoints(join(dir, "j"), key);
    for (let number = 0; number < 6; number++) {
      await journal.append(anIntent(number));
      if (number === 3) {
        await checkpoints.write();
        await cp(join(dir, "j"), join(dir, "old"), { recursive: true });
        await rm(join(dir, "old/lock"), { recursive: true });
      }
    }
    await close();
    for (const note of await notesOf(join(dir, "j"))) await aFile().deliver(note);
    return signedIn((await aFile().published())!, { origin: ORIGIN, keys: [verifierKey(ORIGIN, key)] }).checkpoints;
  };

  it("is not opened from an older copy, which its own checkpoints would not reveal", async () => {
    const published = await aged();
    await openJournal({ dir: join(dir, "j"), durability: "os", published }).then((journal) => journal.close());
    await expect(openJournal({ dir: join(dir, "old"), durability: "os", published })).rejects.toThrow(
      "the published checkpoint 6 covers 6 entries, the journal ends with index 3",
    );
    await openJournal({ dir: join(dir, "old"), durability: "os" }).then((journal) => journal.close());
  });

  it("is not opened with changed entries, whatever its own checkpoints say", async () => {
    const published = await aged();
    await rm(join(dir, "j/checkpoints"), { recursive: true });
    const segment = "000000000000.jsonl";
    const lines = await linesOf(join(dir, "j"), segment);
    await writeLines(join(dir, "j"), segment, lines.with(1, lines[1]!.replace("alpha-crm", "alpha-crl")));
    await expect(openJournal({ dir: join(dir, "j"), durability: "os", published })).rejects.toThrow(
      /the first 4 entries, .*, do not have the root that the published checkpoint 4 signed/,
    );
  });
});
