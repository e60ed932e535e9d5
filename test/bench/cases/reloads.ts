/**
 * Ten thousand tenants in `tenants.d`, two keys each: how long a start takes, how much memory it needs, and how long a
 * reload with a new key holds up requests that come over TLS meanwhile.
 */
import { readFileSync } from "node:fs";
import { readFile, rename, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { keyRow, startGateway, type Gateway, type GatewayOptions, type LongestTurn } from "../peers/gateway.ts";
import { atMost } from "../report.ts";
import { clientName, linesFor } from "../rig/requests.ts";
import { until } from "../rig/processes.ts";
import { median } from "../statistics.ts";
import type { Case } from "./case.ts";
import { CONNECTIONS } from "./line-up.ts";
import { gather, takeTurn } from "./turns.ts";

const TENANTS = 10_000;
const FILES = 100;
const RELOADS = 5;
const AT_REST_MS = 15_000;

const memoryOf = ({ child }: Gateway, what: "VmHWM" | "VmRSS"): number =>
  Number(
    new RegExp(String.raw`^${what}:\s+(\d+) kB`, "m").exec(
      readFileSync(`/proc/${child.process.pid}/status`, "utf8"),
    )![1],
  ) / 1024;

/** Resolves when the reload that follows is in force. */
const addKey = async ({ config, child }: Gateway, number: number): Promise<void> => {
  const file = join(dirname(config), "keys.yaml");
  await writeFile(`${file}.new`, `${await readFile(file, "utf8")}${keyRow(`more-${number}`, clientName(1))}`, {
    mode: 0o600,
  });
  const reloads = (): number => child.complaints().match(/"event":"(?:config|files)Reloaded"/g)?.length ?? 0;
  const before = reloads();
  await rename(`${file}.new`, file);
  await until(child, () => reloads() > before);
};

export const reloads: Case = {
  name: "reloads",
  run: async (rig, { warmUp }) => {
    const upstream = await rig.upstream(0, true);
    const options: GatewayOptions = {
      name: "reloads",
      tenants: TENANTS,
      files: FILES,
      keys: true,
      lanes: CONNECTIONS,
      loop: true,
      compiled: join(rig.dir, "compiled"),
    };
    // It leaves what it parsed and what it compiled.
    const first = await startGateway(rig, upstream, options);
    const cold = first.startup;
    const cache = join(rig.dir, "reloads/audit/tenants.cache");
    await until(first.child, () =>
      stat(cache).then(
        () => true,
        () => false,
      ),
    );
    await first.child.stop();
    const gateway = await startGateway(rig, upstream, options);
    const cpu = gateway.child.cpu() / 1e6;
    const peak = memoryOf(gateway, "VmHWM");
    const { child, tls } = gateway;
    const lines = linesFor(
      rig.issuer,
      [1, 2, 3, 4].map((tenant) => ({ tenant })),
      CONNECTIONS,
      tls.port,
    );
    const runner = await gather(
      rig,
      { name: "reloads", child, upstream, warmUp },
      { port: tls.port, ca: tls.ca!, lines },
    );
    const turns: LongestTurn[] = [];
    const quiet: LongestTurn[] = [];
    for (let round = 0; round < RELOADS; round++) {
      await gateway.longestTurn();
      await takeTurn(runner, { kind: "closed", ms: 2000 });
      quiet.push(await gateway.longestTurn());
      const reloading = addKey(gateway, round);
      await takeTurn({ ...runner, meanwhile: () => reloading }, { kind: "closed", ms: 4000 });
      turns.push(await gateway.longestTurn());
    }
    await runner.crowd.close();
    // Past the time for which the gateway keeps a thread that has read a config.
    await new Promise((resolve) => setTimeout(resolve, AT_REST_MS));
    const [highest, resident] = [memoryOf(gateway, "VmHWM"), memoryOf(gateway, "VmRSS")];
    await child.stop();
    const stall = median(turns.map(({ cpuMs }) => cpuMs));
    return {
      title: `${TENANTS} tenants in ${FILES} files, ${2 * TENANTS} keys: start, memory, and a reload with a new key`,
      columns: ["", "start ms", "peak MiB", "longest turn, CPU ms", "longest delay ms"],
      rows: [
        ["first start", cold, "", "", ""],
        ["start", gateway.startup, peak, "", ""],
        ["no reload", "", "", median(quiet.map(({ cpuMs }) => cpuMs)), median(quiet.map(({ delayMs }) => delayMs))],
        ["reload", "", highest, stall, median(turns.map(({ delayMs }) => delayMs))],
      ],
      goals: [
        atMost("start with what was kept, CPU seconds of all threads", cpu, 3),
        atMost("resident memory after the reloads, MiB", resident, 300),
        atMost("longest turn of the loop in a reload, CPU milliseconds, median", stall, 20),
      ],
      notes: [
        `${RELOADS} reloads beside ${CONNECTIONS} TLS connections that never pause. A delay is also that of other ` +
          "processes of the machine.",
      ],
    };
  },
};
