/**
 * As many requests as asked, in rounds of 20,000, each round its own seed; then as many kills in mid-load as asked;
 * then live flows in a browser for as many seconds as asked, 0 for none; then three gateways that share a database,
 * with a fault of any of them, the database or OCS about every second, for as many requests as asked:
 * `node test/faults/soak.ts --requests N --kills N --seed S --live S --cluster N`. Exits with 1 at a violation.
 */
import { spawnSync } from "node:child_process";
import { rm } from "node:fs/promises";
import { parseArgs } from "node:util";
import { run as runCluster } from "./cluster/run.ts";
import { startKilling } from "./kill.ts";
import { run } from "./run.ts";

const ROUND = 20_000;

const { values } = parseArgs({
  options: {
    requests: { type: "string", default: "200000" },
    kills: { type: "string", default: "0" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    think: { type: "string", default: "100" },
    live: { type: "string", default: "600" },
    cluster: { type: "string", default: "0" },
  },
});
let left = Number(values.requests);
const think = Number(values.think);
const kills = Number(values.kills);
const live = Number(values.live);
let shared = Number(values.cluster);
if (
  ![left, think, kills, live, shared, Number(values.seed)].every(
    (number) => Number.isSafeInteger(number) && number >= 0,
  )
)
  throw new Error("--requests, --kills, --seed, --think, --live and --cluster are whole numbers");

for (let seed = Number(values.seed); left > 0; left -= ROUND, seed += 1000) {
  const { violations, figures } = await run({ requests: Math.min(ROUND, left), seed, think });
  console.log(JSON.stringify({ seed, violations: violations.length, ...figures }));
  for (const violation of violations.slice(0, 50)) console.log(violation);
  if (violations.length > 0) process.exitCode = 1;
}

if (kills > 0) {
  const killing = await startKilling(Number(values.seed));
  try {
    for (let number = 1; number <= kills; number++) {
      const { violations, ...round } = await killing.round();
      const whole = number % 10 === 0 || number === kills ? await killing.judgeWhole() : [];
      console.log(JSON.stringify({ kill: number, violations: violations.length + whole.length, ...round }));
      for (const violation of [...violations, ...whole]) console.log(violation);
      if (violations.length + whole.length > 0) process.exitCode = 1;
    }
  } finally {
    await killing.stop();
    await rm(killing.dir, { recursive: true, force: true });
  }
}

if (live > 0) {
  const program = new URL("../console/soak.ts", import.meta.url).pathname;
  const { status } = spawnSync(process.execPath, [program, String(live)], { stdio: "inherit" });
  if (status !== 0) process.exitCode = 1;
}

for (let seed = Number(values.seed); shared > 0; shared -= ROUND, seed += 1000) {
  const { violations, figures } = await runCluster({ requests: Math.min(ROUND, shared), seed, think, seats: 4 });
  console.log(JSON.stringify({ cluster: seed, violations: violations.length, ...figures }));
  for (const violation of violations.slice(0, 50)) console.log(violation);
  if (violations.length > 0) process.exitCode = 1;
}
