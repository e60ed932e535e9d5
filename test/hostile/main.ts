/**
 * `npm run corpora [-- --only NAME] [--seed N] [--every]`: every payload of every collection. The small collections are
 * written in every dress, cut and transport; of gadgets, requests of the rule set and paths each gets four of them in
 * turn, with `--every` all. Prints what it counted; exits 1 when anything is wrong.
 */
import { parseArgs } from "node:util";
import { chunkFamilies } from "./chunks.ts";
import { crs, gunicorn, httpGarden, llhttp, paths } from "./corpora.ts";
import { aField } from "./test-gateway.ts";
import { gadgets } from "./gadgets.ts";
import type { Payload } from "./payload.ts";
import { besiege, everyPlay, somePlays, type Play, type Tally } from "./play-payloads.ts";

type Collection = { readonly load: () => readonly Payload[]; readonly large?: true };

const COLLECTIONS: Readonly<Record<string, Collection>> = {
  "http-garden": { load: httpGarden },
  llhttp: { load: llhttp },
  gunicorn: { load: gunicorn },
  chunks: { load: chunkFamilies },
  gadgets: { load: gadgets, large: true },
  "owasp-crs": { load: crs, large: true },
  paths: { load: paths, large: true },
};
const IN_TURN = 4;
const SHOWN = 20;

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    only: { type: "string" },
    every: { type: "boolean", default: false },
  },
});

const playsOf = ({ load, large }: Collection): Play[] =>
  large && !values.every ? somePlays(load(), IN_TURN) : everyPlay(load());

const report = (name: string, { connections, reached, statuses, faults }: Tally, ms: number): void => {
  const replies = [...statuses]
    .sort(([a], [b]) => a - b)
    .map(([status, count]) => `${status} ${count}×`)
    .join(", ");
  console.log(
    `${name}: ${connections} connections and as many second clients in ${(ms / 1000).toFixed(0)} s; replies: ` +
      `${replies}; reached OCS as the one good request they are: ${reached.size}; wrong: ${faults.length}`,
  );
  for (const fault of faults.slice(0, SHOWN)) console.log(`  ${fault}`);
};

const field = await aField();
let [connections, wrong] = [0, 0];
for (const [name, collection] of Object.entries(COLLECTIONS)) {
  if (values.only !== undefined && values.only !== name) continue;
  const started = performance.now();
  const tally = await besiege(field, playsOf(collection), Number(values.seed));
  report(name, tally, performance.now() - started);
  connections += tally.connections;
  wrong += tally.faults.length;
}
await field.close();
console.log(`${connections} connections, ${wrong} wrong`);
process.exitCode = wrong === 0 ? 0 : 1;
