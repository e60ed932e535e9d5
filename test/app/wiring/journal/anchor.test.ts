import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { readFirst } from "../../../../src/app/config/config-thread.ts";
import type { Gateway } from "../../../../src/app/gateway.ts";
import { startGateway } from "../../../../src/app/start.ts";
import { events } from "../../../../src/common/log/events.ts";
import { readCheckpoint } from "../../../../src/journal/integrity/checkpoints/signed-note.ts";
import { aConfigured, basic, twoTenants } from "../../../kit/gateway.ts";
import { OK, rawOcs } from "../../../kit/raw-ocs.ts";

let elsewhere: string;
let stops: (() => Promise<unknown>)[];
beforeEach(async () => {
  elsewhere = await mkdtemp(join(tmpdir(), "ocsgw-anchor-"));
  stops = [() => rm(elsewhere, { recursive: true, force: true })];
});
afterEach(async () => {
  vi.restoreAllMocks();
  for (const stop of stops.toReversed()) await stop();
});

const anchor = (): string => join(elsewhere, "anchor");
/** The anchor is written to this file first. */
const temporary = (): string => `${anchor()}.tmp`;

const start = async (on_failure: "refuse" | "continue"): Promise<Gateway> => {
  const ocs = await rawOcs(({ connection }) => void connection.socket.write(OK));
  stops.push(() => ocs.close());
  const config = twoTenants(ocs.url);
  const { checkpoint, ...audit } = config["audit"] as { readonly checkpoint: object };
  const changed = { ...audit, on_failure, checkpoint: { ...checkpoint, anchor: anchor() } };
  const dir = await aConfigured({ ...config, audit: changed }, ["alpha", "beta"]);
  stops.push(() => rm(dir, { recursive: true, force: true }));
  const file = join(dir, "ocsgw.yaml");
  const read = await readFirst({ file });
  if (!read.ok) throw new Error(JSON.stringify(read.problems));
  const { settings, hash: configHash, files } = read;
  const gateway = await startGateway({ settings, configHash, files, read, file });
  stops.push(() => gateway.stop("test", { quiet: 0 }));
  return gateway;
};

describe("a start that cannot write the anchor", () => {
  it("ends with the reason", async () => {
    await mkdir(temporary());
    await expect(start("refuse")).rejects.toThrow(/the anchor .* cannot be written: it is a directory$/);
  });

  it("serves with on_failure: continue, warns, and writes the anchor at a later checkpoint", async () => {
    const [failed, recovered] = (["anchorNotWritten", "anchorRecovered"] as const).map((name) =>
      vi.spyOn(events, name).mockReturnValue(),
    );
    await mkdir(temporary());
    const gateway = await start("continue");
    const { url } = gateway.listeners[0]!;
    const reply = await fetch(`${url}/phones/4155550100?req=DoNotCall`, {
      method: "POST",
      headers: { authorization: basic("alpha") },
    });
    expect(reply.status).toBe(200);
    const reason = expect.stringContaining("cannot be written: it is a directory") as string;
    expect([failed!.mock.calls, gateway.state().warnings]).toEqual([[[{ reason }]], expect.arrayContaining([reason])]);
    expect([existsSync(anchor()), recovered!.mock.calls]).toEqual([false, []]);
    await rm(temporary(), { recursive: true });
    await stops.pop()!();
    expect(recovered).toHaveBeenCalledOnce();
    expect(readCheckpoint(await readFile(anchor(), "utf8"))?.size).toBeGreaterThan(2);
  });
});
