/** A gateway that is killed again and again while it forwards: the receivers' copies have no gap. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { request } from "undici";
import { expect, it } from "vitest";
import { aConfigured, basic, twoTenants } from "../kit/gateway.ts";
import { startGateway } from "../kit/gateway-process.ts";
import { readEntries } from "../../src/journal/read/read-entries.ts";
import { aReceiver, distinct, indexesIn } from "../journal/forward/receiver.ts";

const KILLS = 4;

it("leaves no gap at a receiver and no entry twice in a file", { timeout: 60_000 }, async () => {
  const outside = await mkdtemp(join(tmpdir(), "ocsgw-forward-"));
  const there = await aReceiver({ framing: "counted" });
  const base = twoTenants("http://127.0.0.1:9");
  const forward = [
    { name: "siem", to: `syslog:tcp://127.0.0.1:${there.port}` },
    { name: "lake", to: `file:${outside}/lake.jsonl` },
  ];
  const dir = await aConfigured({ ...base, audit: { ...(base.audit as object), forward } }, ["alpha", "beta"]);
  const config = join(dir, "ocsgw.yaml");
  const ask = (port: number): Promise<void> =>
    request(`http://127.0.0.1:${port}/nothing`, { headers: { authorization: basic("alpha") } }).then(
      ({ body }) => body.dump(),
      () => undefined,
    );
  try {
    for (let run = 0; run < KILLS; run++) {
      const gateway = await startGateway(config);
      const killed = new Promise((resolve) => setTimeout(resolve, 350 * (run + 1))).then(() => gateway.end("SIGKILL"));
      for (let number = 0; number < 400 && gateway.log().includes("listening"); number++) await ask(gateway.port);
      await killed;
    }
    const last = await startGateway(config);
    await ask(last.port);
    await last.end("SIGTERM");
    const written: number[] = [];
    for await (const { index } of readEntries(join(dir, "audit"))) written.push(index);
    expect(distinct(indexesIn(there.messages))).toEqual(written);
    const lake = (await readFile(join(outside, "lake.jsonl"), "utf8")).split("\n").slice(0, -1);
    expect(lake.map((line) => (JSON.parse(line) as { metadata: { sequence: number } }).metadata.sequence)).toEqual(
      written,
    );
  } finally {
    await there.close();
    await rm(dir, { recursive: true, force: true });
    await rm(outside, { recursive: true, force: true });
  }
});
