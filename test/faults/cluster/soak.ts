/**
 * Several gateways under faults, as many requests as asked, in rounds with a seed each:
 * `node test/faults/cluster/soak.ts --requests N --seed S --think MS --calm`. Exits with 1 at a violation.
 */
import { parseArgs } from "node:util";
import { run } from "./run.ts";

const ROUND = 10_000;

const { values } = parseArgs({
  options: {
    requests: { type: "string", default: "100000" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    think: { type: "string", default: "60" },
    seats: { type: "string", default: "4" },
    calm: { type: "boolean", default: false },
  },
});
const [think, seats] = [Number(values.think), Number(values.seats)];
let left = Number(values.requests);
if (![left, think, seats, Number(values.seed)].every((number) => Number.isSafeInteger(number) && number >= 0))
  throw new Error("--requests, --seed, --think and --seats are whole numbers");

for (let seed = Number(values.seed); left > 0; left -= ROUND, seed += 1000) {
  const { violations, figures } = await run({
    requests: Math.min(ROUND, left),
    seed,
    think,
    seats,
    isCalm: values.calm,
  });
  console.log(JSON.stringify({ seed, violations: violations.length, ...figures }, undefined, 1));
  for (const violation of violations.slice(0, 50)) console.log(violation);
  if (violations.length > 0) process.exitCode = 1;
}
