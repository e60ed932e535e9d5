import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { nodeDisk } from "../../../../src/journal/disk.ts";
import {
  listCheckpoints,
  type CheckpointQuery,
} from "../../../../src/journal/integrity/checkpoints/list-checkpoints.ts";
import { cosign, textOfNote, witnessKey } from "../../../../src/journal/integrity/checkpoints/signed-note.ts";
import { paths } from "../../../../src/journal/paths.ts";
import { authoritiesIn, imprintOf, timestampRequest } from "../../../../src/journal/verify/bundle/timestamp.mjs";
import { describeWith } from "../../../kit/machine.ts";
import { anAuthority, type Authority } from "../../../kit/timestamp-authority.ts";
import { aDirectory, aJournal, aKey, ORIGIN, removeDirectory } from "../../kit.ts";

let [base, dir] = ["", ""];
beforeAll(async () => {
  base = await aDirectory();
});
afterAll(() => removeDirectory(base));
beforeEach(async () => {
  dir = join(base, "audit");
  await aJournal(dir, aKey(), { size: 9, checkpointsAt: [3, 6, 9] });
});
afterEach(() => rm(dir, { recursive: true }));

const note = (size: number): Promise<string> => readFile(paths(dir).checkpoint(size), "utf8");
const list = (query: Partial<CheckpointQuery> = {}) =>
  listCheckpoints({ disk: nodeDisk, dir }, { limit: 10, witnesses: "", authorities: [], published: [], ...query });

it("lists pages of checkpoints, newest first, each with its signer", async () => {
  const { checkpoints, next, total } = await list({ limit: 2 });
  expect([checkpoints.map(({ size }) => size), next, total]).toEqual([[9, 6], 6, 3]);
  expect((await list({ limit: 2, before: next })).checkpoints.map(({ size }) => size)).toEqual([3]);
  expect(checkpoints[0]!.key).toMatch(new RegExp(`^${ORIGIN}\\+[0-9a-f]{8}$`));
});

it("shows who cosigned a checkpoint, whether the cosignature is valid, and when it was made", async () => {
  const [one, other] = [aKey(), aKey()];
  const witnesses = [witnessKey("w.example/one", one), witnessKey("w.example/other", other)].join("\n");
  const [six, text] = [await note(6), textOfNote(await note(6))];
  const forged = cosign(`${text}x\n`, { name: "w.example/other", key: other }, 1_800_000_000);
  const valid = cosign(text, { name: "w.example/one", key: one }, 1_800_000_000);
  await writeFile(paths(dir).cosigned(6), six + valid + forged);
  const { checkpoints } = await list({ witnesses });
  expect(checkpoints.map(({ cosigned }) => cosigned)).toEqual([
    [],
    [
      expect.objectContaining({ time: new Date(1_800_000_000_000).toISOString(), valid: true }),
      expect.objectContaining({ time: null, valid: false }),
    ],
    [],
  ]);
});

it("does not show cosignatures of another note beside a checkpoint", async () => {
  const key = aKey();
  const line = cosign(textOfNote(await note(3)), { name: "w.example/one", key }, 1_800_000_000);
  await writeFile(paths(dir).cosigned(6), (await note(3)) + line);
  expect((await list({ witnesses: witnessKey("w.example/one", key) })).checkpoints[1]!.cosigned).toEqual([]);
});

it("names the sinks that have a checkpoint of the same size and root", async () => {
  const nine = await note(9);
  const published = [
    { name: "file:/elsewhere", notes: [await note(3), nine] },
    { name: "file:/forged", notes: [nine.replace(/\n9\n.{4}/, "\n9\nAAAA"), "9", "", "a\n9\n"] },
  ];
  expect((await list({ published })).checkpoints.map((row) => row.published)).toEqual([
    ["file:/elsewhere"],
    [],
    ["file:/elsewhere"],
  ]);
});

it("lists nothing of a directory without checkpoints", async () => {
  for (const size of [3, 6, 9]) await rm(paths(dir).checkpoint(size));
  expect(await list()).toEqual({ checkpoints: [], next: undefined, total: 0 });
});

describeWith(["openssl"], "timestamps", () => {
  let authority: Authority;
  beforeAll(async () => {
    await mkdir(join(base, "tsa"));
    authority = anAuthority(join(base, "tsa"));
  });

  it("are shown with their time, and whether their chain ends in the config's authority", async () => {
    const query = timestampRequest(imprintOf(await note(6)), Buffer.from([1, 2, 3, 4, 5, 6, 7, 8]));
    await writeFile(paths(dir).timestamp(6), authority.reply(query));
    await writeFile(paths(dir).timestamp(9), authority.reply(query));
    const [nine, six] = (await list({ authorities: authoritiesIn(authority.ca) })).checkpoints;
    expect([nine!.timestamp, six!.timestamp]).toEqual([
      null,
      { time: expect.any(String), signer: expect.any(String), trusted: true },
    ]);
    expect((await list()).checkpoints[1]!.timestamp).toMatchObject({ trusted: false });
  });
});
