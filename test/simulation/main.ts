/**
 * The deterministic simulation: `npm run explore -- --seeds 20000 --from 1 --steps 2000`, or one seed with its trace: `-- --seed 17`.
 */
import { parseArgs } from "node:util";
import { simulate } from "./simulate.ts";

const { values } = parseArgs({ options: { seeds: { type: "string", default: "100" }, from: { type: "string", default: "1" }, steps: { type: "string", default: "2000" }, seed: { type: "string" }, lines: { type: "string", default: "60" }, plan: { type: "string", default: "{}" }, tolerate: { type: "string", default: "" } } });
const steps = Number(values.steps);
const seeds = values.seed !== undefined ? [values.seed] : Array.from({ length: Number(values.seeds) }, (_, at) => String(Number(values.from) + at));
let failed = 0;
for (const seed of seeds) {
  const outcome = await simulate({ seed, steps, plan: JSON.parse(values.plan) as object, tolerated: new Set(values.tolerate.split(",")) });
  if (values.seed !== undefined) console.log(outcome.steps, "steps", outcome.virtualMs, "ms", outcome.asked, "asked", outcome.digest, JSON.stringify(outcome.plan));
  if (outcome.violations.length === 0) continue;
  failed++;
  console.log(`seed ${seed}: ${outcome.violations.map(({ invariant, what }) => `${invariant}: ${what}`).join("\n")}`);
  if (values.seed !== undefined) console.log(outcome.trace.slice(-Number(values.lines)).join("\n"));
}
console.log(`${seeds.length} seeds, ${failed} failed`);
