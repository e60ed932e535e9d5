/** OCS has acted, and the journal cannot be written at that moment. */
import { afterEach, expect, it, vi } from "vitest";
import { nodeDisk } from "../../src/journal/disk.ts";
import { aGateway } from "../kit/gateway.ts";
import { RecordingOcs } from "../kit/recording-ocs.ts";
import { ClientConnection, type Asked } from "./client.ts";
import { seeded } from "./random.ts";
import { clientOf, doNotCall, TENANTS, worldConfig } from "./world.ts";

const OCS_TENANT = 101;

afterEach(() => {
  vi.restoreAllMocks();
});

/** Makes every write of the journal fail, as a full disk does, while it is true. */
const fillable = (): { full: boolean } => {
  const disk = { full: false };
  const open = nodeDisk.open.bind(nodeDisk);
  vi.spyOn(nodeDisk, "open").mockImplementation(async (path, how) => {
    const file = await open(path, how);
    return {
      ...file,
      write: (bytes, position) =>
        disk.full ? Promise.reject(new Error("ENOSPC: no space left on device, write")) : file.write(bytes, position),
    };
  });
  return disk;
};

it("sends OCS's answer with OCSGW-5102, admits nothing new, and writes the outcome first afterwards", async () => {
  const disk = fillable();
  const [shared, alone] = [await RecordingOcs.start("shared", seeded(1)), await RecordingOcs.start("alone", seeded(2))];
  const gateway = await aGateway(worldConfig({ shared, alone }), TENANTS.map(clientOf));
  let number = 0;
  const ask = async (): Promise<Asked> => {
    const line = await ClientConnection.to(gateway.port);
    const given = doNotCall(OCS_TENANT, `m-${number++}`, String(4_155_550_100 + number));
    const entry = line.enter(OCS_TENANT, given);
    await line.ask(given.bytes, [entry]);
    line.hangUp();
    return entry;
  };
  try {
    shared.trouble = { kind: "delay", share: 1 };
    const underWay = ask();
    await expect.poll(() => shared.ledger.length).toBe(1);
    disk.full = true;
    expect((await underWay).seen).toMatchObject({
      origin: "ocs",
      delivery: "answered",
      code: "OCSGW-5102",
      warning: shared.ledger[0]!.warning,
    });
    for (let again = 0; again < 3; again++)
      expect((await ask()).seen).toMatchObject({
        origin: "gateway",
        status: 503,
        delivery: "not-sent",
        code: "OCSGW-5101",
      });
    expect(shared.ledger).toHaveLength(1);
    disk.full = false;
    shared.trouble = undefined;
    await expect.poll(async () => (await ask()).seen?.origin, { timeout: 10_000 }).toBe("ocs");
    const entries = await gateway.journal();
    const kinds = entries.filter(({ kind }) => kind !== "start" && kind !== "config").map(({ kind }) => kind);
    expect(kinds.slice(0, 3)).toEqual(["intent", "gap", "outcome"]);
    const [intent, outcome] = [
      entries.find(({ kind }) => kind === "intent"),
      entries.find(({ kind }) => kind === "outcome"),
    ];
    expect(outcome).toMatchObject({ id: (intent as { id: string }).id, origin: "ocs", delivery: "answered" });
    // Every request that was refused is in a gap's count.
    const lost = entries.reduce((sum, entry) => sum + (entry.kind === "gap" ? (entry.lost ?? 0) : 0), 0);
    expect(lost).toBe(number - entries.filter(({ kind }) => kind === "intent").length);
    expect(entries.filter(({ kind }) => kind === "outcome").length).toBe(number - lost);
  } finally {
    await gateway.stop();
    await Promise.all([shared.close(), alone.close()]);
  }
});
