/**
 * Does a start get dearer with the journal's age? The real gateway is started on journals of several sizes, until it
 * listens.
 */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { loadOrCreateKey } from "../../../src/journal/integrity/checkpoints/checkpoint.ts";
import { MAIN, startGateway } from "../peers/gateway.ts";
import { atMost, type Section } from "../report.ts";
import { writeSignedJournal } from "../rig/signed-journal.ts";
import { freePort } from "../rig/processes.ts";
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
    // First, because its gateway lives long enough to leave what it compiled.
    const probes = await probesOf(rig, upstream);
    const found: Measured[] = [];
    for (const entries of sizes) {
      const name = `start-${entries}`;
      const signer = {
        key: await loadOrCreateKey(join(rig.dir, name, "checkpoint.pem")),
        origin: "bench.example/journal",
      };
      if (entries > 0) writeSignedJournal(join(rig.dir, name, "audit"), entries, PHONES, signer);
      const rounds: Started[] = [];
      for (let round = 0; round < ROUNDS; round++) rounds.push(await startOnce(rig, upstream, name));
      found.push({
        entries,
        cpu: median(rounds.map(({ cpu }) => cpu)),
        peak: median(rounds.map(({ peak }) => peak)),
        ms: median(rounds.map(({ ms }) => ms)),
      });
    }
    return section(found, probes);
  },
};

const PROBES = 20;

type Probes = Readonly<Record<"node" | "byConfig" | "byUrl", number>>;

/**
 * CPU in milliseconds of one `node -e 0`, and of one health check that finds the gateway by its config and by its
 * address.
 */
const probesOf = async (rig: Rig, upstream: Parameters<typeof startGateway>[1]): Promise<Probes> => {
  const { child, config, admin } = await startGateway(rig, upstream, {
    name: "probed",
    tenants: 4,
    lanes: 4,
    admin: await freePort(),
    compiled: compiledIn(rig),
  });
  const probe = (...where: readonly string[]): number => cpuOf(rig, [MAIN, "healthcheck", "--live", ...where]);
  const found = {
    node: cpuOf(rig, ["-e", "0"]),
    byConfig: probe("-c", config),
    byUrl: probe("--url", `http://127.0.0.1:${admin}`),
  };
  await child.stop();
  return found;
};

/** As the unit and the image set it. */
const compiledIn = ({ dir }: Rig): string => join(dir, "compiled");

/** The shell tells what its children took, to the hundredth of a second. */
const cpuOf = (rig: Rig, args: readonly string[]): number => {
  const script = `"$@" >&2 || exit 1; for round in $(seq ${PROBES}); do "$@" >/dev/null; done; times`;
  const { status, stdout, stderr } = spawnSync("sh", ["-c", script, "sh", process.execPath, ...args], {
    encoding: "utf8",
    env: { ...process.env, NODE_COMPILE_CACHE: compiledIn(rig) },
  });
  const seconds = [...(stdout.trim().split("\n").at(-1) ?? "").matchAll(/(\d+)m([\d.]+)s/g)].reduce(
    (sum, [, minutes, rest]) => sum + 60 * Number(minutes) + Number(rest),
    0,
  );
  if (status !== 0 || seconds === 0) throw new Error(`${args.join(" ")} failed: ${stderr}${stdout}`);
  return (seconds * 1000) / (PROBES + 1);
};

const startOnce = async (rig: Rig, upstream: Parameters<typeof startGateway>[1], name: string): Promise<Started> => {
  const gateway = await startGateway(rig, upstream, {
    name,
    tenants: 4,
    lanes: 4,
    admin: true,
    compiled: compiledIn(rig),
  });
  const { child, startup } = gateway;
  const cpu = child.cpu() / MICROS;
  const peak = Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${child.process.pid}/status`, "utf8"))![1]) / 1024;
  const read = Number(/"event":"journalOpened",.*"read":(\d+)/.exec(child.complaints())?.[1]);
  await child.stop();
  // Else it is another thing that was measured.
  if (!(read < MOST_READ))
    throw new Error(`the gateway read ${read} lines and did not go on from the state: ${child.complaints()}`);
  return { cpu, peak, ms: startup };
};

const section = (found: readonly Measured[], { node, byConfig, byUrl }: Probes): Section => {
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
      atMost("CPU of `ocsgw healthcheck -c FILE` to `node -e 0`", byConfig / node, 3),
      atMost("CPU of `ocsgw healthcheck --url URL` to `node -e 0`", byUrl / node, 3),
    ],
    notes: [
      `Median of ${ROUNDS} starts each, with the journal's last state and a checkpoint, and with compiled code kept ` +
        "from the start before.",
      `One \`node -e 0\` takes ${node.toFixed(0)} ms of CPU, a health check ${byConfig.toFixed(0)} ms, and ` +
        `${byUrl.toFixed(0)} ms by URL.`,
    ],
  };
};
