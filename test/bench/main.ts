/**
 * `npm run bench`: what the gateway costs beside its peers, and whether it is fair. Every figure is measured in this
 * run, on this machine; ratios are within the run, because absolute figures are the machine's.
 */
import { writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { announcements } from "./cases/announcements.ts";
import type { Case, Pace } from "./cases/case.ts";
import { cost } from "./cases/cost.ts";
import { costTls } from "./cases/cost-tls.ts";
import { equal, flood, shares } from "./cases/fairness.ts";
import { handles } from "./cases/handles.ts";
import { isolation, isolationPaced } from "./cases/isolation.ts";
import { journal } from "./cases/journal.ts";
import { latency } from "./cases/latency.ts";
import { memory } from "./cases/memory.ts";
import { reloads } from "./cases/reloads.ts";
import { segments } from "./cases/segments.ts";
import { startUp } from "./cases/start.ts";
import { switchovers } from "./cases/switchovers.ts";
import { tenants } from "./cases/tenants.ts";
import { watchers } from "./cases/watchers.ts";
import { print, type Section } from "./report.ts";
import { describeMachine } from "./rig/machine.ts";
import { stopEverything } from "./rig/processes.ts";
import { createRig } from "./rig/rig.ts";

const CASES: readonly Case[] = [
  cost,
  costTls,
  latency,
  tenants,
  isolation,
  isolationPaced,
  flood,
  equal,
  shares,
  switchovers,
  memory,
  announcements,
  handles,
  journal,
  startUp,
  segments,
  reloads,
  watchers,
];

const USAGE = `npm run bench -- [options]
  --quick                about four minutes instead of twenty; noisier, and code on Node is not all compiled yet
  --only <case>          one case, or several with commas: ${CASES.map(({ name }) => name).join(", ")}
  --memory-requests <n>  requests of the memory case (1000000)
  --start-entries <n>    the largest journal of the start and segments cases, 20000000 for all of the goal (5000000)
  --out <file>           the numbers as JSON`;

const FULL: Pace = {
  rounds: 5,
  turn: 2000,
  warmUp: 30_000,
  long: 10_000,
  memory: [100_000, 1_000_000],
  entries: 5_000_000,
  started: [1_000_000, 5_000_000],
};
const QUICK: Pace = {
  rounds: 3,
  turn: 600,
  warmUp: 15_000,
  long: 5000,
  memory: [20_000, 60_000],
  entries: 300_000,
  started: [100_000, 500_000],
};

type Chosen = { readonly cases: readonly Case[]; readonly pace: Pace; readonly out: string | undefined };

/** Undefined when it is only asked what there is to choose. */
const choose = (): Chosen | undefined => {
  const { values } = parseArgs({
    options: {
      quick: { type: "boolean" },
      only: { type: "string" },
      out: { type: "string" },
      "memory-requests": { type: "string" },
      "start-entries": { type: "string" },
      help: { type: "boolean" },
    },
  });
  if (values.help) return undefined;
  const wanted = values.only?.split(",");
  const unknown = wanted?.find((name) => !CASES.some((each) => each.name === name));
  if (unknown !== undefined) throw new Error(`there is no case ${unknown}\n${USAGE}`);
  const pace = values.quick ? QUICK : FULL;
  const requests = values["memory-requests"] === undefined ? pace.memory[1] : Number(values["memory-requests"]);
  if (!Number.isSafeInteger(requests) || requests <= pace.memory[0])
    throw new Error(`--memory-requests: expected a whole number above ${pace.memory[0]}`);
  const largest = Number(values["start-entries"] ?? pace.started.at(-1));
  if (!Number.isSafeInteger(largest) || largest <= pace.started[0]!)
    throw new Error(`--start-entries: expected a whole number above ${pace.started[0]}`);
  const started = [...pace.started.filter((entries) => entries < largest), largest];
  return {
    cases: CASES.filter(({ name }) => wanted?.includes(name) ?? true),
    pace: { ...pace, started, memory: [pace.memory[0], requests] },
    out: values.out,
  };
};

type Found = { readonly name: string; readonly section?: Section; readonly failed?: string };

let interrupted = false;

/** A case that fails says so, and the others go on. */
const runCase = async ({ name, run }: Case, pace: Pace): Promise<Found> => {
  const rig = await createRig();
  try {
    const section = await run(rig, pace);
    console.log(print(section));
    return { name, section };
  } catch (error) {
    const failed = error instanceof Error ? error.message : String(error);
    if (!interrupted) console.log(`\n${name}: failed. ${failed}`);
    return { name, failed };
  } finally {
    await stopEverything();
    await rig.close();
  }
};

const bench = async ({ cases, pace, out }: Chosen): Promise<void> => {
  const rig = await createRig();
  const machine = await describeMachine(rig.dir, rig.cores);
  await rig.close();
  console.log(machine.join("\n"));
  const found: Found[] = [];
  for (const each of cases) found.push(await runCase(each, pace));
  if (out !== undefined)
    await writeFile(
      out,
      `${JSON.stringify({ at: new Date().toISOString(), machine, pace, cases: found }, undefined, 2)}\n`,
    );
  const goals = found.flatMap(({ section }) => section?.goals ?? []);
  console.log(`\n${goals.filter(({ met }) => met).length} of ${goals.length} goals met`);
  if (found.some(({ failed }) => failed !== undefined)) process.exitCode = 1;
};

const interrupt = (code: number): void => {
  interrupted = true;
  void stopEverything().finally(() => process.exit(code));
};
process.once("SIGINT", () => interrupt(130)).once("SIGTERM", () => interrupt(143));
try {
  const chosen = choose();
  if (chosen) await bench(chosen);
  else console.log(USAGE);
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
} finally {
  await stopEverything();
}
