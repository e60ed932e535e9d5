/** I4: what was executed has an intent in the journal, what was answered an outcome, and `verify` is content. */
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Recorded } from "../../src/journal/entry.ts";
import { readEntries } from "../../src/journal/read/read-entries.ts";
import { keyBeside } from "../journal/kit.ts";
import { verifyJournal } from "../../src/journal/verify/verify.ts";
import { judgeAlarms } from "./alarms.ts";
import { DIRECTORY } from "./config.ts";
import type { SimDisk } from "./disk.ts";
import type { World } from "./world.ts";

export const judgeJournals = async (world: World): Promise<void> => {
  const entries: Recorded[] = [];
  for (const { disk } of world.machines) entries.push(...(await readJournal(world, disk)));
  judgeEntries(world, entries);
  judgeAlarms(world, entries);
};

/** Verifies the journal of one machine. Resolves to its entries. */
const readJournal = async ({ trace }: World, disk: SimDisk): Promise<readonly Recorded[]> => {
  const dir = await mkdtemp(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "simulation-"));
  try {
    await disk.copyTo(DIRECTORY, dir);
    const report = await verifyJournal(dir, { vkey: await keyBeside(dir) });
    if (report.verdict !== "ok")
      trace.violate(
        "I4",
        `verify says ${report.verdict}: ${JSON.stringify(report.findings)} ${report.missing.join("; ")}`,
      );
    return await Array.fromAsync(readEntries(dir));
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
};

const judgeEntries = ({ trace, checks }: World, entries: readonly Recorded[]): void => {
  const intents = new Set<string>();
  const ends = new Map<string, Recorded>();
  for (const entry of entries) {
    if (entry.kind === "intent") intents.add(entry.id);
    else if (entry.kind === "outcome" || entry.kind === "abandoned" || entry.kind === "in-doubt")
      ends.set(entry.id, entry);
  }
  for (const asked of checks.asked.values()) {
    const { id, mark, received, reply } = asked;
    if (received > 0 && !intents.has(id))
      trace.violate("I4", `${mark} reached OCS, and the journal has no intent of it`);
    const end = ends.get(id);
    if (received > 0 && !end)
      trace.violate("I4", `${mark} reached OCS, and the journal has no outcome of it and no doubt about it`);
    if (reply && end?.kind === "outcome" && end.origin === "ocs" && end.status !== reply.status)
      trace.violate("I4", `${mark} was answered ${reply.status}, and the journal says ${end.status}`);
  }
};
