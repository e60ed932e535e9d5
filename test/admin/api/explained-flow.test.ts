/** One flow in plain words, over the admin API. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { ulid } from "../../../src/common/ulid.ts";
import type { Flood } from "../../../src/journal/entry.ts";
import { aDoNotCall, anIntent } from "../../journal/kit.ts";
import { anApi, auditor, type TestApi } from "./kit.ts";

let api: TestApi | undefined;
afterEach(() => api?.stop());

const ALPHA = { tenant: { dbid: 101, name: "Alpha Tenant" }, client: "alpha" };
const PATIENT = { timeout: 20_000, interval: 200 };
const id = (number: number): string => anIntent(number).id;

describe("GET /api/flows/{id}", () => {
  it("says what happened at each stage, and what to do", async () => {
    const [refusal] = aDoNotCall(1, { ...ALPHA, refused: "OCSGW-2103" });
    api = await anApi([[{ ...refusal!, stage: "scope", setting: "tenants[0].name" } as never], aDoNotCall(2, ALPHA)]);
    const refused = (await api.ask(`GET /api/flows/${id(1)}`, { as: auditor() })).value;
    expect(refused.requests).toHaveLength(1);
    expect(refused.explanation).toMatchObject({
      what_happened: expect.stringMatching(/^The gateway refused the request: .* It was not sent to OCS\.$/),
      what_to_do: expect.stringContaining("tenant"),
    });
    expect(
      refused.explanation.stages.map(({ stage, verdict }: Record<string, string>) => `${stage} ${verdict}`),
    ).toEqual([
      "message ok",
      "identity ok",
      "operation ok",
      "policy ok",
      "body ok",
      "scope deny",
      "key –",
      "journal –",
      "queue –",
      "ocs –",
    ]);
    const carriedOut = (await api.ask(`GET /api/flows/${id(2)}`, { as: auditor() })).value;
    expect(carriedOut.explanation).toMatchObject({ what_happened: "OCS carried out the request.", what_to_do: null });
  });

  it("names the config line that decided, as long as the file is the one in force", async () => {
    const [refusal] = aDoNotCall(1, { ...ALPHA, refused: "OCSGW-2103" });
    api = await anApi([[{ ...refusal!, stage: "scope", setting: "tenants[7].name" } as never]]);
    const file = join(api.dir, "ocsgw.yaml");
    const text = await readFile(file, "utf8");
    const line = text.split("\n").findIndex((each) => each.includes("name: Alpha Tenant")) + 1;
    const decided = async (): Promise<unknown> =>
      (await api!.ask(`GET /api/flows/${id(1)}`, { as: auditor() })).value.explanation.decided_by;
    // The file is read on another thread, and the first answer does not wait for it.
    await expect.poll(decided, PATIENT).toMatchObject({ rule: "tenants[0].name", at: `${file}:${line}:11` });
    await writeFile(file, `# edited, and not reloaded\n${text}`);
    expect(await decided()).toMatchObject({ at: `${file}:${line}:11` });
  });

  it("names no line of a file that is not in force", async () => {
    api = await anApi([aDoNotCall(1, ALPHA)]);
    const file = join(api.dir, "ocsgw.yaml");
    const inForce = await readFile(file, "utf8");
    await writeFile(file, "tenants: [\n");
    const decided = async (): Promise<unknown> =>
      (await api!.ask(`GET /api/flows/${id(1)}`)).value.explanation.decided_by;
    expect(await decided()).toMatchObject({ rule: "tenants[0].clients.alpha.actions", at: null });
    await writeFile(file, inForce);
    await expect.poll(decided, PATIENT).toMatchObject({ at: expect.stringContaining("ocsgw.yaml:") });
  });

  it("tells people of some tenants what their own request says, and nothing about the gateway", async () => {
    const [refusal] = aDoNotCall(1, { ...ALPHA, refused: "OCSGW-2103" });
    api = await anApi([
      [{ ...refusal!, stage: "scope", setting: "tenants[7].name", reason: "foreign: of Beta" } as never],
    ]);
    await api.checkpoints.write();
    const { explanation } = (await api.ask(`GET /api/flows/${id(1)}`, { as: auditor([101]) })).value;
    expect(explanation).toMatchObject({
      what_happened: expect.stringMatching(/^The gateway refused the request: /),
      decided_by: null,
      checkpoint: null,
      switchovers: [],
      outages: [],
    });
    expect(explanation.stages.find(({ stage }: { stage: string }) => stage === "scope").verdict).toBe("deny");
    expect(JSON.stringify(explanation)).not.toMatch(/Beta|tenants\[/);
    expect((await api.ask(`GET /api/flows/${id(1)}`, { as: auditor([102]) })).status).toBe(404);
  });

  it("names the config file in the commands to run", async () => {
    const [refusal] = aDoNotCall(1, { ...ALPHA, refused: "OCSGW-2101" });
    api = await anApi([[{ ...refusal!, stage: "policy" } as never]]);
    const { explanation } = (await api.ask(`GET /api/flows/${id(1)}`, { as: auditor() })).value;
    expect(explanation.what_to_do).toContain(`ocsgw can -c ${join(api.dir, "ocsgw.yaml")} CLIENT ACTION PATH`);
  });

  it("says which checkpoint covers it", async () => {
    api = await anApi([aDoNotCall(1, ALPHA)]);
    const covered = async (): Promise<unknown> =>
      (await api!.ask(`GET /api/flows/${id(1)}`)).value.explanation.checkpoint;
    expect(await covered()).toBeNull();
    await api.checkpoints.write();
    expect(await covered()).toBe((await api.entries()).length);
  });

  it("explains no one of several requests that begin with the same characters", async () => {
    api = await anApi([aDoNotCall(1, ALPHA), aDoNotCall(2, ALPHA)]);
    const { status, value } = await api.ask(`GET /api/flows/${id(1).slice(0, 12)}`);
    expect([status, value.requests.length, value.explanation]).toEqual([200, 2, null]);
  });

  it("says that a refusal was only counted", async () => {
    const counted = ulid();
    const within = counted.slice(0, 10);
    const flood: Flood = {
      kind: "flood",
      source: "127.0.0.1",
      second: new Date().toISOString(),
      count: 7,
      codes: { "OCSGW-2001": 7 },
      first_id: `${within}${"0".repeat(16)}`,
      last_id: `${within}${"Z".repeat(16)}`,
    };
    api = await anApi([[flood]]);
    const { status, value } = await api.ask(`GET /api/flows/${counted}`);
    expect([status, value.error]).toEqual([
      404,
      expect.stringMatching(/its request was refused, not sent, and counted/),
    ]);
  });
});
