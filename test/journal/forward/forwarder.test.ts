/** Forwarding to one destination: each entry, in order, whatever the receiver and the journal do meanwhile. */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { appendFile, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Destination, ForwardAddress } from "../../../src/journal/forward/destination.ts";
import { Forwarder, type ForwardNews, type ForwardState } from "../../../src/journal/forward/forwarder.ts";
import { keepFirstPositions, readPosition, readWholePosition } from "../../../src/journal/forward/position.ts";
import type { Journal } from "../../../src/journal/journal.ts";
import { deletedText } from "../../../src/journal/segments/retention/deleted-lines.ts";
import { openJournal } from "../../../src/journal/write/open-journal.ts";
import {
  aDirectory,
  aDoNotCall,
  anIntent,
  anOutcome,
  linesOf,
  removeDirectory,
  segmentsOf,
  writeLines,
} from "../kit.ts";
import { aReceiver, distinct, indexesIn, parsedIn, SD_ID, type Receiver } from "./receiver.ts";

let dir: string;
let running: { readonly forwarder: Forwarder; readonly over: Promise<void> }[] = [];
let open: { readonly close: () => Promise<void> }[] = [];
beforeEach(async () => {
  dir = await aDirectory();
});
afterEach(async () => {
  for (const { forwarder } of running) forwarder.end();
  await Promise.all(running.map(({ over }) => over));
  for (const each of open) await each.close();
  [running, open] = [[], []];
  await removeDirectory(dir);
});

const place = (): string => join(dir, "journal");
const aFile = (): string => join(dir, "entries.jsonl");

const written = async (entries: number, segmentBytes = 64 << 20): Promise<void> => {
  const journal = await openJournal({ dir: place(), durability: "os", segmentBytes });
  // In groups, so that several segments are made.
  for (let number = 0; number < entries; number += 20)
    await Promise.all(upTo(Math.min(number + 20, entries), number).map((each) => journal.append(anIntent(each))));
  await journal.close();
};

const to = (address: ForwardAddress, over: Partial<Destination> = {}): Destination => ({
  name: "siem",
  to: address,
  format: "rfc5424",
  tls: null,
  kinds: null,
  from: "beginning",
  enterprise_number: 32_473,
  ...over,
});
const tcp = ({ port }: Pick<Receiver, "port">): ForwardAddress => ({
  kind: "syslog",
  protocol: "tcp",
  host: "127.0.0.1",
  port,
});

type Run = { readonly forwarder: Forwarder; readonly states: ForwardState[]; readonly news: ForwardNews[] };

const begin = (destination: Destination, size: number): Run & { readonly stop: () => Promise<void> } => {
  const states: ForwardState[] = [];
  const news: ForwardNews[] = [];
  const onNews = (each: ForwardNews): void => {
    news.push(each);
    if (each.kind === "state") states.push(each.state);
  };
  const forwarder = new Forwarder({ dir: place(), version: "1.2.3", destination, size, onNews });
  const over = forwarder.run();
  running.push({ forwarder, over });
  return {
    forwarder,
    states,
    news,
    stop: async () => {
      forwarder.stop();
      await over;
    },
  };
};

const receiver = async (options: Partial<Parameters<typeof aReceiver>[0]> = {}): Promise<Receiver> => {
  const own = await aReceiver({ framing: "counted", ...options });
  open.push(own);
  return own;
};

const upTo = (end: number, start = 0): number[] => Array.from({ length: end - start }, (_, at) => start + at);
const fileIndexes = async (): Promise<number[]> =>
  (await readFile(aFile(), "utf8"))
    .split("\n")
    .slice(0, -1)
    .map((line) => (JSON.parse(line) as { metadata: { sequence: number } }).metadata.sequence);

describe("a forwarder to a syslog receiver over TCP", () => {
  it("sends each entry once, in order, across segments and portions", async () => {
    await written(4500, 300_000);
    const there = await receiver();
    const { stop } = begin(to(tcp(there)), 4500);
    await stop();
    expect(indexesIn(there.messages)).toEqual(upTo(4500));
    expect(await readPosition(place(), "siem")).toBe(4500);
  });

  it("sends the journal's own line as text, and what it means as structured data", async () => {
    await written(1);
    const there = await receiver();
    await begin(to(tcp(there)), 1).stop();
    const { text, elements, facility, severity, id } = parsedIn(there.messages)[0]!;
    expect([text]).toEqual(await linesOf(place(), (await segmentsOf(place()))[0]!));
    expect([facility, severity, id]).toEqual([13, 6, "intent"]);
    expect(Object.fromEntries(elements.get(SD_ID)!)).toMatchObject({
      index: "0",
      kind: "intent",
      tenant: "Alpha Tenant",
      dbid: "101",
      client: "alpha-crm",
      credential: "basic k1",
      action: "DoNotCall",
    });
  });

  it("sends entries as they are written, and waits without work in between", async () => {
    await written(0);
    const journal = await openJournal({ dir: place(), durability: "os" });
    open.push(journal);
    const there = await receiver();
    const { forwarder, states } = begin(to(tcp(there)), 0);
    for (let number = 0; number < 3; number++) {
      await journal.append(anIntent(number));
      forwarder.size = number + 1;
      await expect.poll(() => indexesIn(there.messages)).toEqual(upTo(number + 1));
    }
    const before = states.length;
    await new Promise((resolve) => setTimeout(resolve, 900));
    expect(states.length - before).toBeLessThanOrEqual(1);
  });

  it("goes on where it stopped, and begins at the end when it has no position", async () => {
    await written(5);
    const there = await receiver();
    await begin(to(tcp(there), { from: "now" }), 2).stop();
    expect(there.messages).toEqual([]);
    await begin(to(tcp(there), { from: "now" }), 5).stop();
    expect(indexesIn(there.messages)).toEqual([2, 3, 4]);
  });

  it("says of an outcome whose request it ends, also when the intent was sent before a restart", async () => {
    const journal = await openJournal({ dir: place(), durability: "os" });
    await journal.append(anIntent(0));
    await journal.append(anOutcome(anIntent(0).id));
    await journal.close();
    const there = await receiver();
    await begin(to(tcp(there)), 1).stop();
    await begin(to(tcp(there)), 2).stop();
    const outcome = parsedIn(there.messages)[1]!;
    expect(outcome.id).toBe("outcome");
    expect(outcome.elements.get(SD_ID)!.get("client")).toBe("alpha-crm");
    expect(outcome.elements.get(SD_ID)!.get("status")).toBe("200");
  });

  it("sends the chosen kinds alone", async () => {
    const journal = await openJournal({ dir: place(), durability: "os" });
    for (const entry of [...aDoNotCall(1), ...aDoNotCall(2, { refused: "OCSGW-2101" })]) await journal.append(entry);
    await journal.close();
    const there = await receiver();
    await begin(to(tcp(there), { kinds: ["refusal"] }), 3).stop();
    expect(parsedIn(there.messages).map(({ id, severity }) => [id, severity])).toEqual([["refusal", 4]]);
    expect(await readPosition(place(), "siem")).toBe(3);
  });
});

describe("a forwarder whose receiver fails", () => {
  it("waits for a receiver that is away, says why, and loses nothing", async () => {
    await written(3);
    const first = await receiver();
    const { port } = first;
    await first.close();
    open = [];
    const { states, stop } = begin(to(tcp({ port })), 3);
    await expect.poll(() => states.at(-1)?.trouble).toContain("connection refused");
    expect(states.at(-1)).toMatchObject({ next: 0, name: "siem", to: `syslog:tcp://127.0.0.1:${port}` });
    const back = await receiver({ port });
    await expect.poll(() => states.at(-1)?.trouble, { timeout: 5000 }).toBe(undefined);
    await stop();
    expect(indexesIn(back.messages)).toEqual([0, 1, 2]);
  });

  it("repeats what a receiver may not have read, and leaves no gap", async () => {
    await written(3000);
    const there = await receiver();
    there.cutAfter = 100_000;
    const { states, stop } = begin(to(tcp(there)), 3000);
    await expect.poll(() => states.at(-1)?.failures ?? 0, { timeout: 5000 }).toBeGreaterThan(1);
    there.cutAfter = undefined;
    await expect.poll(() => states.at(-1)?.next, { timeout: 10_000 }).toBe(3000);
    await stop();
    expect(distinct(indexesIn(there.messages))).toEqual(upTo(3000));
  });

  it.each<[string, (socket: import("node:net").Socket) => void]>([
    ["closes each connection at once", (socket) => socket.end()],
    ["resets each connection", (socket) => socket.resetAndDestroy()],
  ])("does not believe a receiver that %s", async (_name, onConnection) => {
    await written(3);
    const server = createServer((socket) => onConnection(socket.on("error", () => undefined)));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    open.push({ close: async () => void server.close() });
    const { states } = begin(to(tcp(server.address() as AddressInfo)), 3);
    await expect.poll(() => states.length, { timeout: 5000 }).toBeGreaterThan(1);
    expect(states.map(({ next }) => next)).not.toContain(3);
    expect(states.at(-1)!.trouble).toBeDefined();
  });

  it("does not believe a receiver that reads nothing and keeps the connection open", { timeout: 12_000 }, async () => {
    await written(3);
    const server = createServer({ allowHalfOpen: true }, (socket) => socket.on("error", () => undefined).pause());
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    open.push({ close: async () => void server.close() });
    const { states } = begin(to(tcp(server.address() as AddressInfo)), 3);
    await expect.poll(() => states.at(-1)?.trouble, { timeout: 10_000 }).toBe("the receiver did not answer in time");
    expect(states.at(-1)!.next).toBe(0);
  });

  it("ends at a stop while the receiver is away", async () => {
    await written(3);
    const { stop } = begin(to({ kind: "syslog", protocol: "tcp", host: "127.0.0.1", port: 9 }), 3);
    await stop();
    expect(await readPosition(place(), "siem")).toBe(undefined);
  });

  it("sends what follows to another address, from the same position", async () => {
    await written(6);
    const [one, other] = [await receiver(), await receiver()];
    const { forwarder, states, stop } = begin(to(tcp(one)), 3);
    await expect.poll(() => states.at(-1)?.next).toBe(3);
    forwarder.destination = to(tcp(other));
    forwarder.size = 6;
    await expect.poll(() => states.at(-1)?.next).toBe(6);
    await stop();
    expect([indexesIn(one.messages), indexesIn(other.messages)]).toEqual([
      [0, 1, 2],
      [3, 4, 5],
    ]);
  });
});

describe("a forwarder whose entries are gone", () => {
  const gapsIn = (there: Receiver): string[] =>
    parsedIn(there.messages).flatMap(({ id, text }) => (id === "forward-gap" ? [text] : []));

  it("names deleted segments, and sends the rest", async () => {
    await written(200, 10_000);
    const [oldest, second] = await segmentsOf(place());
    await rm(join(place(), "segments", oldest!));
    const there = await receiver();
    const { news, stop } = begin(to(tcp(there)), 200);
    await stop();
    expect(indexesIn(there.messages)).toEqual(upTo(200));
    const end = Number.parseInt(second!, 10);
    expect(gapsIn(there)).toEqual([`journal entries 0 to ${end - 1} were not forwarded: deleted by retention`]);
    expect(news).toContainEqual({
      kind: "missing",
      name: "siem",
      missing: { from: 0, to: end, reason: "deleted by retention" },
    });
  });

  it("names segments that were set aside", async () => {
    await written(200, 10_000);
    const name = (await segmentsOf(place()))[1]!;
    await mkdir(join(place(), "set-aside"));
    await rename(join(place(), "segments", name), join(place(), "set-aside", name));
    const there = await receiver();
    await begin(to(tcp(there)), 200).stop();
    expect(indexesIn(there.messages)).toEqual(upTo(200));
    expect(gapsIn(there)).toEqual([expect.stringContaining("set aside as damaged")]);
  });

  it("names single lines that were deleted or damaged", async () => {
    await written(6);
    const [segment] = await segmentsOf(place());
    const lines = await linesOf(place(), segment!);
    lines[1] = deletedText(5, Buffer.byteLength(lines[1]!)).toString();
    lines[2] = deletedText(5, Buffer.byteLength(lines[2]!)).toString();
    lines[4] = "x".repeat(lines[4]!.length);
    await writeLines(place(), segment!, lines);
    const there = await receiver();
    await begin(to(tcp(there)), 6).stop();
    expect(indexesIn(there.messages)).toEqual(upTo(6));
    expect(gapsIn(there)).toEqual([
      "journal entries 1 to 2 were not forwarded: deleted by retention",
      "journal entries 4 to 4 were not forwarded: damaged",
    ]);
  });

  it("names entries of a journal that was replaced by an older copy", async () => {
    await written(3);
    await mkdir(join(place(), "forward"));
    await writeFile(join(place(), "forward/siem.json"), '{"next":7}\n');
    const there = await receiver();
    await begin(to(tcp(there)), 3).stop();
    expect(gapsIn(there)).toEqual(["journal entries 3 to 6 were not forwarded: the journal was restored"]);
    expect(await readPosition(place(), "siem")).toBe(3);
  });

  it.each(["by the forwarder itself", "when the gateway starts"])(
    "forwards what a restored journal got while the receiver was away, noticed %s",
    async (noticed) => {
      await written(3);
      await mkdir(join(place(), "forward"));
      await writeFile(join(place(), "forward/siem.json"), '{"next":7}\n');
      const isEarly = noticed === "when the gateway starts";
      if (isEarly) {
        await keepFirstPositions(place(), [{ name: "siem", from: "beginning" }], 3);
        expect(await readWholePosition(place(), "siem")).toEqual({ next: 3, lostTo: 7 });
        await keepFirstPositions(place(), [{ name: "siem", from: "beginning" }], 3);
        expect(await readWholePosition(place(), "siem")).toEqual({ next: 3, lostTo: 7 });
      }
      const journal = await openJournal({ dir: place(), durability: "os" });
      open.push(journal);
      for (let number = 3; number < 5; number++) await journal.append(anIntent(number));
      const there = await receiver();
      const away = to({ kind: "syslog", protocol: "tcp", host: "127.0.0.1", port: 9 });
      const { forwarder, states, stop } = begin(away, isEarly ? 5 : 3);
      await expect.poll(() => states.at(-1)?.trouble).toBeDefined();
      forwarder.size = 5;
      forwarder.destination = to(tcp(there));
      await stop();
      expect(gapsIn(there)).toEqual(["journal entries 3 to 6 were not forwarded: the journal was restored"]);
      expect(indexesIn(there.messages).slice(4)).toEqual([3, 4]);
      expect(await readWholePosition(place(), "siem")).toEqual({ next: 5 });
    },
  );

  it("does not guess when the position cannot be read", async () => {
    await written(3);
    await mkdir(join(place(), "forward"));
    await writeFile(join(place(), "forward/siem.json"), "3");
    const there = await receiver();
    const { states, stop } = begin(to(tcp(there)), 3);
    await expect.poll(() => states.at(-1)?.trouble).toContain("does not have a position");
    await stop();
    expect(there.messages).toEqual([]);
  });
});

describe("a forwarder to a file", () => {
  const ocsf = (): Destination => to({ kind: "file", path: aFile() }, { format: "ocsf" });

  it("writes each entry once, also when the position was lost in a crash and the last line is torn", async () => {
    await written(8);
    await begin(ocsf(), 3).stop();
    const late = await readFile(aFile(), "utf8");
    await begin(ocsf(), 6).stop();
    await appendFile(aFile(), late.slice(0, 50));
    await writeFile(join(place(), "forward/siem.json"), '{"next":3}\n');
    await begin(ocsf(), 8).stop();
    expect(await fileIndexes()).toEqual(upTo(8));
  });

  it("does not take another journal's file for its own", async () => {
    await written(3);
    await begin(ocsf(), 3).stop();
    await removeDirectory(place());
    await written(3);
    await begin(ocsf(), 3).stop();
    expect(await fileIndexes()).toEqual([0, 1, 2, 0, 1, 2]);
  });

  it.each<[string, string, boolean]>([
    ["its own incomplete line", '{"category_uid":6,"cat', true],
    ["the first byte of its own line", "{", true],
    ["an incomplete syslog message", "<109>1 2026-11-30T", true],
    ["somebody else's text without a line break", "root:x:0:0", false],
    ["somebody else's JSON", '{"category":6', false],
  ])("replaces %s only if the gateway wrote it", async (_name, last, isOwn) => {
    await written(2);
    await writeFile(aFile(), `kept\n${last}`);
    const { states, stop } = begin(ocsf(), 2);
    await expect.poll(() => states.length).toBeGreaterThan(0);
    await stop();
    const text = await readFile(aFile(), "utf8");
    if (isOwn) expect(text.startsWith('kept\n{"category_uid":6,')).toBe(true);
    else expect([text, states.at(-1)!.trouble]).toEqual([`kept\n${last}`, expect.stringContaining("is incomplete")]);
  });

  it("goes on in a new file when the old one was moved away", async () => {
    await written(4);
    const { forwarder, states, stop } = begin(ocsf(), 2);
    await expect.poll(() => states.at(-1)?.next).toBe(2);
    await rename(aFile(), `${aFile()}.1`);
    forwarder.size = 4;
    await stop();
    expect(await fileIndexes()).toEqual([2, 3]);
  });
});

describe("a forwarder over UDP", () => {
  const aSocket = async (port = 0) => {
    const socket = createSocket("udp4");
    const messages: Buffer[] = [];
    socket.on("message", (message) => messages.push(message));
    socket.bind(port, "127.0.0.1");
    await once(socket, "listening");
    let isOpen = true;
    const close = async (): Promise<void> => {
      if (isOpen) socket.close();
      isOpen = false;
    };
    open.push({ close });
    return { port: socket.address().port, messages, close };
  };
  const udp = (port: number): Destination => to({ kind: "syslog", protocol: "udp", host: "127.0.0.1", port });

  it("sends each entry as one datagram, and says which one was too long for its line", async () => {
    const journal: Journal = await openJournal({ dir: place(), durability: "os" });
    await journal.append(anIntent(0));
    await journal.append(anIntent(1, { GSW_TENANT_DBID: 101, LONG: "x".repeat(70_000) }));
    await journal.append(anIntent(2));
    await journal.close();
    const there = await aSocket();
    await begin(udp(there.port), 3).stop();
    await expect.poll(() => there.messages.length).toBe(3);
    expect(indexesIn(there.messages)).toEqual([0, 1, 2]);
    const parsed = parsedIn(there.messages);
    expect(parsed.map(({ elements }) => elements.get(SD_ID)!.get("truncated"))).toEqual([undefined, "yes", undefined]);
    expect(parsed[1]!.text).toBe("");
  });

  it("waits while nothing listens at the port of this machine", async () => {
    await written(3);
    const first = await aSocket();
    await first.close();
    const { states } = begin(udp(first.port), 3);
    await expect.poll(() => states.at(-1)?.trouble).toBeDefined();
    expect(states.at(-1)!.next).toBe(0);
    const back = await aSocket(first.port);
    await expect.poll(() => states.at(-1)?.next, { timeout: 5000 }).toBe(3);
    expect(distinct(indexesIn(back.messages))).toEqual([0, 1, 2]);
  });
});
