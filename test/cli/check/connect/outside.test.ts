/** `check --connect` asks witnesses and the time stamping authority whether they answer. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { outsideRows } from "../../../../src/cli/check/connect/outside.ts";
import type { Settings } from "../../../../src/settings/schema/schema.ts";
import { aDirectory, removeDirectory } from "../../../journal/kit.ts";
import { describeWith } from "../../../kit/machine.ts";
import { anAuthority } from "../../../kit/timestamp-authority.ts";
import { aScripted, aWitness } from "../../../kit/witness.ts";

let dir: string;
let ends: (() => Promise<void>)[];
beforeEach(async () => {
  dir = await aDirectory();
  ends = [];
});
afterEach(async () => {
  for (const end of ends) await end();
  await removeDirectory(dir);
});

const rowsOf = (checkpoint: object) =>
  outsideRows({ audit: { checkpoint: { witnesses: [], timestamp: null, ...checkpoint } } } as unknown as Settings);

describe("check --connect", () => {
  it("reports witnesses that accept checkpoints, that are other servers, or that are unreachable", async () => {
    const witness = await aWitness(join(dir, "w"), new Map());
    const page = await aScripted((_body, response) => void response.writeHead(200).end("welcome"));
    ends.push(witness.stop, page.stop);
    const { key } = witness;
    const rows = await rowsOf({
      witnesses: [
        { url: `${witness.url}/`, key },
        { url: page.url, key },
        { url: "http://127.0.0.1:1", key },
      ],
    });
    expect(rows).toEqual([
      {
        name: "witness witness.test/w1",
        state: "ok",
        says: [`${witness.url}/add-checkpoint accepts checkpoints; the first one shows whether it knows this journal`],
      },
      {
        name: "witness witness.test/w1",
        state: "fail",
        says: [expect.stringContaining("answers 200 to an empty request")],
      },
      {
        name: "witness witness.test/w1",
        state: "fail",
        says: [expect.stringMatching(/^http:\/\/127\.0\.0\.1:1\/add-checkpoint: ./)],
      },
    ]);
    expect(witness.news).toEqual([]);
  });
});

describeWith(["openssl"], "check --connect of a time stamping authority", () => {
  it("reports whether it answers, and whether its chain leads to the certificates of the config", async () => {
    for (const name of ["one", "other"]) await mkdir(join(dir, name));
    const [one, other] = [anAuthority(join(dir, "one")), anAuthority(join(dir, "other"))];
    const server = await aScripted(
      (body, response) =>
        void response.writeHead(200, { "content-type": "application/timestamp-reply" }).end(one.reply(body)),
    );
    ends.push(server.stop);
    expect(await rowsOf({ timestamp: { url: server.url, ca: one.caFile } })).toEqual([
      { name: "timestamp", state: "ok", says: [expect.stringMatching(/CN=Test Authority says \d{4}-/)] },
    ]);
    expect(await rowsOf({ timestamp: { url: server.url, ca: other.caFile } })).toEqual([
      { name: "timestamp", state: "fail", says: [expect.stringContaining("no chain leads from its signer")] },
    ]);
    expect(await rowsOf({ timestamp: { url: server.url, ca: join(dir, "none.pem") } })).toEqual([
      { name: "timestamp", state: "fail", says: [expect.stringContaining("there is no such file")] },
    ]);
  });
});
