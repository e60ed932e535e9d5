/** Does a start get dearer with the journal's age? The real gateway is started on journals of several sizes, until it listens. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { loadOrCreateKey } from "../../../src/journal/checkpoint.ts";
import { startGateway } from "../peers/gateway.ts";
import { atMost, type Section } from "../report.ts";
import { writeSignedJournal } from "../rig/signed-journal.ts";
import type { Rig } from "../rig/rig.ts";
import { median } from "../statistics.ts";
import type { Case } from "./case.ts";

const PHONES = 1_000_000;
const ROUNDS = 5;
/** A run that was stopped leaves a few lines. */
const MOST_READ = 1000;
const MICROS = 1_000_000;

/** CPU in seconds until it listened, its largest resident memory by then in MiB, and milliseconds. */
type Started = { readonly cpu: number; readonly peak: number; readonly ms: number };
type Measured = Started & { readonly entries: number };

export const startUp: Case = {
  name: "start",
  run: async (rig, { started }) => {
    const sizes = [0, ...started];
    const upstream = await rig.upstream(0);
    const found: Measured[] = [];
    for (const entries of sizes) {
      const name = `start-${entries}`;
      const signer = { key: await loadOrCreateKey(join(rig.dir, name, "checkpoint.pem")), origin: "bench.example/journal" };
      if (entries > 0) writeSignedJournal(join(rig.dir, name, "audit"), entries, PHONES, signer);
      const rounds: Started[] = [];
      for (let round = 0; round < ROUNDS; round++) rounds.push(await startOnce(rig, upstream, name));
      found.push({ entries, cpu: median(rounds.map(({ cpu }) => cpu)), peak: median(rounds.map(({ peak }) => peak)), ms: median(rounds.map(({ ms }) => ms)) });
    }
    return section(found);
  },
};

const startOnce = async (rig: Rig, upstream: Parameters<typeof startGateway>[1], name: string): Promise<Started> => {
  const gateway = await startGateway(rig, upstream, { name, tenants: 4, lanes: 4, admin: true });
  const { child, startup } = gateway;
  const cpu = child.cpu() / MICROS;
  const peak = Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${child.process.pid}/status`, "utf8"))![1]) / 1024;
  const read = Number(/"read":(\d+),"msg":"journal opened"/.exec(child.complaints())?.[1]);
  await child.stop();
  // Else it is another thing that was measured.
  if (!(read < MOST_READ)) throw new Error(`the gateway read ${read} lines and did not go on from the state: ${child.complaints()}`);
  return { cpu, peak, ms: startup };
};

const section = (found: readonly Measured[]): Section => {
  const [empty, first, ...more] = found;
  const last = more.at(-1) ?? first!;
  return {
    title: `Start of the gateway until it listens: ${found.map(({ entries }) => entries).join(", ")} entries`,
    columns: ["entries", "CPU s", "peak memory MiB", "ms"],
    rows: found.map(({ entries, cpu, peak, ms }) => [String(entries), cpu, peak, ms]),
    goals: [
      atMost(`CPU at ${last.entries} entries to ${first!.entries}`, last.cpu / first!.cpu, 1.2),
      atMost(`CPU at ${last.entries} entries more than with none, seconds`, last.cpu - empty!.cpu, 2),
      atMost(`peak memory at ${last.entries} entries to ${first!.entries}`, last.peak / first!.peak, 1.2),
      atMost("CPU with no entries, seconds", empty!.cpu, 0.6),
    ],
    notes: [`Median of ${ROUNDS} starts each, with the journal's last state and a checkpoint, and with compiled code kept from the start before.`],
  };
};
