/** Timestamps of checkpoints over HTTP, from an authority by openssl and from hostile ones. */
import { mkdir, readFile, readdir, rm } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { nodeDisk } from "../../../../src/journal/disk.ts";
import { paths } from "../../../../src/journal/paths.ts";
import { authoritiesIn } from "../../../../src/journal/verify/bundle/timestamp.mjs";
import { Timestamps, type TimestampEvent } from "../../../../src/journal/integrity/witness/timestamps.ts";
import { describeWith } from "../../../kit/machine.ts";
import { anAuthority, type Authority } from "../../../kit/timestamp-authority.ts";
import { aScripted, until, type Scripted } from "../../../kit/witness.ts";
import { aDirectory, aJournal, aKey, removeDirectory } from "../../kit.ts";

const TIMING = { timeout: 1500, firstTry: 20, longestTry: 60, stop: 1000 };
const REPLY = { "content-type": "application/timestamp-reply" };

let [base, dir] = ["", ""];
let authority: Authority;
let servers: Scripted[];
let news: TimestampEvent[];
beforeAll(async () => {
  base = await aDirectory();
  await mkdir(join(base, "tsa"));
  authority = anAuthority(join(base, "tsa"));
});
afterAll(() => removeDirectory(base));
beforeEach(async () => {
  dir = join(base, "audit");
  [servers, news] = [[], []];
  await aJournal(dir, aKey(), { size: 9, checkpointsAt: [3, 6, 9] });
});
afterEach(async () => {
  for (const server of servers) await server.stop();
  await rm(dir, { recursive: true });
});

const serve = async (script: (body: Buffer, response: ServerResponse) => void): Promise<Scripted> => {
  const server = await aScripted(script);
  servers.push(server);
  return server;
};
const note = (size: number): Promise<string> => readFile(paths(dir).checkpoint(size), "utf8");
const stampsOf = async (): Promise<string[]> =>
  (await readdir(join(dir, "checkpoints"))).filter((name) => name.endsWith(".tsr"));
const timestampsAt = (url: string, everyMs = 60_000): Timestamps =>
  new Timestamps({
    disk: nodeDisk,
    dir,
    url,
    authorities: authoritiesIn(authority.ca),
    everyMs,
    onNews: (each) => void news.push(each),
    timing: TIMING,
  });

describeWith(["openssl"], "timestamps of checkpoints", () => {
  it("are stored beside the checkpoint, and openssl verifies them for its file", async () => {
    const server = await serve((body, response) => void response.writeHead(200, REPLY).end(authority.reply(body)));
    const timestamps = timestampsAt(`${server.url}/tsr`);
    timestamps.submit(await note(3));
    await until(() => timestamps.state.last !== undefined);
    expect(server.asked.map(({ url, type }) => [url, type])).toEqual([["/tsr", "application/timestamp-query"]]);
    expect(await stampsOf()).toEqual(["000000000003.tsr"]);
    expect(authority.verifies(await readFile(paths(dir).timestamp(3)), Buffer.from(await note(3)))).toBe(true);
    expect(timestamps.state).toMatchObject({ last: { size: 3 }, trouble: undefined });
    // The next one only when this one is old enough.
    timestamps.submit(await note(6));
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(server.asked.length).toBe(1);
    await timestamps.stop();
  });

  it("are requested as often as configured", async () => {
    const server = await serve((body, response) => void response.writeHead(200, REPLY).end(authority.reply(body)));
    const timestamps = timestampsAt(server.url, 1);
    for (const size of [3, 6, 9]) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      timestamps.submit(await note(size));
      await until(() => timestamps.state.last?.size === size);
    }
    expect((await stampsOf()).toSorted()).toEqual(["000000000003.tsr", "000000000006.tsr", "000000000009.tsr"]);
    await timestamps.stop();
  });

  it.each([
    ["hangs", /no answer within 1\.5 s/, () => undefined],
    ["answers 500", /it answered 500/, (_body: Buffer, response: ServerResponse) => void response.writeHead(500).end()],
    [
      "answers with a page",
      /with text\/html and not application\/timestamp-reply/,
      (_body: Buffer, response: ServerResponse) =>
        void response.writeHead(200, { "content-type": "text/html" }).end("hello"),
    ],
    [
      "answers with garbage",
      /not DER/,
      (_body: Buffer, response: ServerResponse) => void response.writeHead(200, REPLY).end("hello"),
    ],
    [
      "never ends its answer",
      /more than 262144 bytes/,
      (_body: Buffer, response: ServerResponse) => {
        const more = (): boolean => response.writable && response.write(Buffer.alloc(65_536)) && more();
        response.writeHead(200, REPLY).on("drain", more);
        more();
      },
    ],
    [
      "refuses",
      /did not grant it: status 2/,
      (_body: Buffer, response: ServerResponse) =>
        void response.writeHead(200, REPLY).end(Buffer.from("30053003020102", "hex")),
    ],
    [
      "repeats an older answer",
      /its nonce is not the one/,
      (body: Buffer, response: ServerResponse) => {
        const nonce = body.indexOf(Buffer.from("0208", "hex"), 50);
        const other = Buffer.from(body);
        other[nonce + 9]! ^= 1;
        response.writeHead(200, REPLY).end(authority.reply(other));
      },
    ],
  ])("are requested again from an authority that %s, and the failure is reported", async (_what, reason, script) => {
    let isHostile = true;
    const server = await serve((body, response) =>
      isHostile ? script(body, response) : void response.writeHead(200, REPLY).end(authority.reply(body)),
    );
    const timestamps = timestampsAt(server.url);
    timestamps.submit(await note(3));
    await until(() => news.length > 0);
    expect(timestamps.state.trouble).toMatch(reason);
    expect(await stampsOf()).toEqual([]);
    const newest = await note(6);
    isHostile = false;
    timestamps.submit(newest);
    await until(() => timestamps.state.last !== undefined);
    expect(news.map(({ kind }) => kind)).toEqual(["away", "back"]);
    // The question that was under way may have been about the one before.
    expect(await stampsOf()).toEqual([expect.stringMatching(/^00000000000[36]\.tsr$/)]);
    await timestamps.stop();
  });
});
