/** A gateway whose checkpoint sinks are away: traffic does not notice, operators do. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { request } from "undici";
import { expect, it } from "vitest";
import { aGateway, basic, twoTenants } from "../kit/gateway.ts";
import { verifyJournal } from "../../src/journal/verify/verify.ts";
import { keyBeside } from "../journal/kit.ts";

it("serves all the same, says which place is away, and brings it every checkpoint in order afterwards", async () => {
  const elsewhere = await mkdtemp(join(tmpdir(), "ocsgw-elsewhere-"));
  const base = twoTenants("http://127.0.0.1:9");
  const audit = { ...(base.audit as { checkpoint: object }) };
  const blocked = join(elsewhere, "not-a-directory");
  await writeFile(blocked, "");
  const gateway = await aGateway({
    ...base,
    admin: { bind: "127.0.0.1:0" },
    audit: {
      ...audit,
      checkpoint: {
        ...audit.checkpoint,
        every: "50ms",
        publish: [`file:${elsewhere}/checkpoints.txt`, `file:${blocked}/checkpoints.txt`, "syslog:tcp://127.0.0.1:9"],
      },
    },
  });
  try {
    const ready = async (): Promise<string> => (await request(`${gateway.gateway.admin}/readyz`)).body.text();
    const ask = async (): Promise<void> =>
      (await request(`${gateway.url}/nothing`, { headers: { authorization: basic("alpha") } })).body.dump();
    for (let wave = 0; wave < 6; wave++) {
      await ask();
      await new Promise((resolve) => setTimeout(resolve, 120));
    }
    await expect.poll(ready).toContain(`wait for file:${blocked}/checkpoints.txt: `);
    expect(await ready()).not.toContain("ENOTDIR");
    expect(await ready()).toContain("syslog:tcp://127.0.0.1:9");
    await rm(blocked);
    await mkdir(blocked);
    await expect.poll(ready, { timeout: 10_000 }).not.toContain(`wait for file:${blocked}`);
    expect((await gateway.journal()).filter(({ kind }) => kind === "alarm")).toHaveLength(2);
    const { verdict, checkpoints } = await verifyJournal(join(gateway.dir, "audit"), {
      vkey: await keyBeside(join(gateway.dir, "audit")),
    });
    expect(verdict).toBe("ok");
    const sizes = async (file: string): Promise<number[]> =>
      [...(await readFile(file, "utf8")).matchAll(/^test\.example\/journal\n(\d+)\n/gm)].map(([, size]) =>
        Number(size),
      );
    await gateway.gateway.stop("test");
    const [one, other] = [
      await sizes(join(elsewhere, "checkpoints.txt")),
      await sizes(join(blocked, "checkpoints.txt")),
    ];
    expect(one.length).toBeGreaterThanOrEqual(checkpoints.found);
    expect(other).toEqual(one);
    expect(one).toEqual(one.toSorted((left, right) => left - right));
  } finally {
    await gateway.stop();
    await rm(elsewhere, { recursive: true, force: true });
  }
}, 30_000);
