/**
 * `npm run fuzz [-- --seconds N] [--seed N] [--only TARGET]`: so many seconds in all, one target after the other. Exits
 * 1 with the input when one does not hold.
 */
import { parseArgs } from "node:util";
import { TARGETS } from "./targets.ts";
import { watched } from "./watch.ts";

const { values } = parseArgs({
  options: { seconds: { type: "string", default: "60" }, seed: { type: "string" }, only: { type: "string" } },
});
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
const names = TARGETS.map(({ name }) => name).filter((name) => values.only === undefined || values.only === name);
console.log(`seed ${seed}`);
for (const name of names) {
  const { runs, kept, places, found } = await watched(name, {
    seed,
    runs: Infinity,
    milliseconds: (Number(values.seconds) * 1000) / names.length,
  });
  console.log(
    `${name}: ${runs} inputs, ${kept} kept, ${places} places of our code${found ? "" : ", all as it should be"}`,
  );
  if (!found) continue;
  console.log(
    `  does not hold: ${found.error}\n  base64 ${Buffer.from(found.input).toString("base64")}\n  ` +
      `${JSON.stringify(Buffer.from(found.input).toString("latin1"))}`,
  );
  process.exitCode = 1;
}
