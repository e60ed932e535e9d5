/** As many requests as asked, in rounds of 20,000, each round its own seed: `node test/faults/soak.ts --requests N --seed S`. Exits with 1 at a violation. */
import { parseArgs } from "node:util";
import { run } from "./run.ts";

const ROUND = 20_000;

const { values } = parseArgs({ options: { requests: { type: "string", default: "200000" }, seed: { type: "string", default: String(Date.now() % 1_000_000) }, think: { type: "string", default: "100" } } });
let left = Number(values.requests);
const think = Number(values.think);
if (![left, think, Number(values.seed)].every((number) => Number.isSafeInteger(number) && number >= 0)) throw new Error("--requests, --seed and --think are whole numbers");

for (let seed = Number(values.seed); left > 0; left -= ROUND, seed += 1000) {
  const { violations, figures } = await run({ requests: Math.min(ROUND, left), seed, think });
  console.log(JSON.stringify({ seed, violations: violations.length, ...figures }));
  for (const violation of violations.slice(0, 50)) console.log(violation);
  if (violations.length > 0) process.exitCode = 1;
}
