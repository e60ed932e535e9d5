/**
 * The deterministic simulation, from the command line:
 *
 *   npm run explore -- --seeds 20000 --from 1 --steps 2000     many seeds (--shrink: and shrunk traces)
 *   npm run explore -- --seed 17                               one seed with the end of its trace (--lines 60)
 *   npm run explore -- --gateways 2 --seeds 500                two gateways that share a database
 *   npm run explore -- --mutant NAME                           with a faulty part put in, until a seed fails
 *   npm run explore -- --seed 17 --plan '{"faults":[]}'        with parts of its plan replaced
 *
 * How to read a trace: the first column is virtual milliseconds since the start, the second who acts (NEMESIS: a
 * fault; machine: the host of the gateway; primary and backup: the OCS pair with its own truth; alpha, beta, gamma and
 * cluster: clients; m12 marks one request from its client to OCS and back). The last line says which invariant broke;
 * checks.ts and journal-check.ts say what each means. One seed gives one trace, always.
 */
import { parseArgs } from "node:util";
import { explore, seedsFrom } from "./explore.ts";
import { mutantBy, MUTANTS } from "./mutants/all.ts";
import type { Plan } from "./nemesis.ts";
import type { Outcome } from "./simulate.ts";

const text = (value: string) => ({ type: "string", default: value }) as const;
const { values } = parseArgs({
  options: {
    seeds: text("1000"),
    from: text("1"),
    steps: text("2000"),
    seed: { type: "string" },
    lines: text("60"),
    threads: text("2"),
    mutant: text("none"),
    plan: text("{}"),
    gateways: text("1"),
    tolerate: text(""),
    shrink: { type: "boolean", default: false },
  },
});
if (values.mutant !== "none" && !MUTANTS.some(({ name }) => name === values.mutant)) {
  console.error(`unknown mutant; there are ${MUTANTS.map(({ name }) => name).join(", ")}`);
  process.exit(2);
}

const isOne = values.seed !== undefined;
const show = ({ seed, violations, trace, plan, steps, virtualMs, digest }: Outcome): void => {
  for (const { invariant, what } of violations) console.log(`seed ${seed}: ${invariant}: ${what}`);
  if (!isOne && !values.shrink) return;
  console.log(`${steps} steps, ${Math.round(virtualMs)} virtual ms, digest ${digest}\nplan ${JSON.stringify(plan)}`);
  console.log(trace.slice(-Number(values.lines)).join("\n"));
};

const began = process.hrtime.bigint();
const seeds = isOne ? [values.seed!] : seedsFrom(Number(values.from), Number(values.seeds));
const failed = await explore({
  seeds,
  steps: Number(values.steps),
  threads: Number(values.threads),
  mutant: values.mutant,
  plan: {
    gateways: Number(values.gateways),
    ...mutantBy(values.mutant).plan,
    ...(JSON.parse(values.plan) as Partial<Plan>),
  },
  tolerated: values.tolerate.split(","),
  firstOnly: values.mutant !== "none",
  shrinks: values.shrink,
  tellsAll: isOne,
  tell: show,
});
const count = new Set(failed.filter(({ violations }) => violations.length > 0).map(({ seed }) => seed)).size;
console.log(
  `${seeds.length} seeds in ${(Number(process.hrtime.bigint() - began) / 1e9).toFixed(1)} s, ${count} failed`,
);
process.exitCode = count > 0 ? 1 : 0;
